"""One UPDATE for many rows, each with values of its own: `UPDATE … FROM (VALUES …)`, which PostgreSQL and SQLite (from
3.33) both have. The ORM's bulk_update says the same as a CASE with a branch a row, which takes longer to build than the
database takes to run it, and does not tell which rows it changed."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Field, Model

ROWS = 500  # in one statement


@cache
def fields_of(model: type[Model], names: tuple[str, ...]) -> tuple["Field[Any, Any]", ...]:
    known = {field.attname: field for field in model._meta.local_concrete_fields}
    return tuple(known[name] for name in names)


def update_each(
    model: type[Model],
    rows: Iterable[Sequence[Any]],
    *,
    match: tuple[str, ...],
    change: tuple[str, ...],
    also: str = "",
    where: str = "",
    parameters: Sequence[Any] = (),
) -> set[Any]:
    """Each of `rows` has the values to find its row by, in the order of `match`, then the new ones, in the order of
    `change`. `also` is a further assignment and `where` a further condition, as SQL in which the row is "t" and the
    values are v.column1, v.column2, …; `parameters` are those of `also`, then of `where`.

    Answers the primary keys of the rows that were found and changed."""
    fields = fields_of(model, match + change)
    done: set[Any] = set()
    waiting = iter(rows)
    while chunk := list(islice(waiting, ROWS)):
        places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(chunk))
        sql = statement(model, match, change, also, where) % {"values": places}
        values = [field.get_db_prep_save(value, connection) for row in chunk for field, value in in_order(fields, row)]
        split = also.count("%s")
        with connection.cursor() as cursor:
            cursor.execute(sql, [*parameters[:split], *values, *parameters[split:]])
            done.update(key for (key,) in cursor.fetchall())
    return done


def in_order(fields: Sequence["Field[Any, Any]"], row: Sequence[Any]) -> Iterable[tuple["Field[Any, Any]", Any]]:
    return zip(fields, row, strict=True)


@cache
def statement(model: type[Model], match: tuple[str, ...], change: tuple[str, ...], also: str, where: str) -> str:
    """With a place for the VALUES' rows, and every other % doubled."""
    quote = connection.ops.quote_name
    fields = fields_of(model, match + change)
    given = [typed(field, f"v.column{number}") for number, field in enumerate(fields, start=1)]
    columns = [quote(str(field.column)) for field in fields]
    sets = [f"{column} = {value}" for column, value in list(zip(columns, given, strict=True))[len(match) :]]
    finds = [f"t.{column} = {value}" for column, value in list(zip(columns, given, strict=True))[: len(match)]]
    key = quote(str(model._meta.pk.column))
    text = " ".join(
        [
            f"UPDATE {quote(model._meta.db_table)} AS t SET {', '.join([*sets, also] if also else sets)}",
            "FROM (VALUES %(values)s) AS v",
            f"WHERE {' AND '.join([*finds, where] if where else finds)} RETURNING {returned(key)}",
        ]
    )
    return text.replace("%s", "%%s")


def typed(field: "Field[Any, Any]", value: str) -> str:
    """PostgreSQL takes a column of VALUES that has only NULLs or quoted literals for text."""
    if connection.vendor != "postgresql":
        return value
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return f"{value}::{kind}"


def returned(key: str) -> str:
    """SQLite knows no alias in RETURNING."""
    return key if connection.vendor == "sqlite" else f"t.{key}"
