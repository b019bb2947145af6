"""Conditions that the database must recognise."""

from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from jobs.states import ACTIVE, JobStatus

if TYPE_CHECKING:
    OfBool = Lookup[bool]
else:
    OfBool = Lookup


class Active(OfBool):
    """`status__active=True`: the very words of the partial index job_active. SQLite uses such an index only where it
    reads its condition in the statement (https://sqlite.org/partialindex.html#queries_using_partial_indexes): values
    that are bound to it later, as of `status__in`, prove nothing, and the whole table would be gone through."""

    lookup_name = "active"
    prepare_rhs = False
    VALUES = tuple(status.value for status in JobStatus if status in ACTIVE)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        column, params = self.process_lhs(compiler, connection)
        words = ", ".join(f"'{value}'" for value in self.VALUES)
        return f"{'' if self.rhs else 'NOT '}{column} IN ({words})", tuple(params)
