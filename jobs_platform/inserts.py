"""INSERT statements without the ORM's price: many rows in one, and single ones made ready before a transaction begins,
so that it holds the database's one write lock for as long as the database needs, and not for as long as the ORM takes
to write SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model

from jobs_platform.updates import as_json


@cache
def statement(model: type[Model]) -> tuple[str, tuple["Field[Any, Any]", ...]]:
    """The INSERT that answers the new row's key, and the fields of its parameters, in order."""
    quote = connection.ops.quote_name
    fields = tuple(field for field in model._meta.local_concrete_fields if not isinstance(field, AutoField))
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    key = quote(str(model._meta.pk.column))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places}) RETURNING {key}", fields


@dataclass(frozen=True, slots=True)
class Insert:
    row: Model
    sql: str
    parameters: dict[str, Any]  # by the field's attname

    def run(self, **late: Any) -> None:
        """Inserts the row and gives it its key. `late`: values, by attname, that were not known before."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, list((self.parameters | late).values()))
            self.row.pk = cursor.fetchone()[0]
        for name, value in late.items():
            setattr(self.row, name, value)
        self.row._state.adding = False
        self.row._state.db = connection.alias


def prepare(row: Model) -> Insert:
    sql, fields = statement(type(row))
    values = {field.attname: field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields}
    return Insert(row, sql, values)


def insert_all(rows: Sequence[Model]) -> None:
    """New rows of one model, which do not learn their keys: what bulk_create does, at a fraction of its price."""
    if not rows:
        return
    sql, fields = statement(type(rows[0]))
    head, _values, _key = sql.partition(" VALUES ")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            values = [[getattr(row, field.attname) for field in fields] for row in rows]
            source, parameters = as_json(fields, values)
            cursor.execute(f"{head} SELECT * FROM {source}", parameters)
        else:
            one = sql.partition(" RETURNING ")[0]
            cursor.executemany(one, [[prepared(field, row) for field in fields] for row in rows])


def prepared(field: "Field[Any, Any]", row: Model) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)
