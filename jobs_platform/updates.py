"""One UPDATE for many rows, each with values of its own: `UPDATE … FROM`, which PostgreSQL and SQLite (from 3.33) both
have. The ORM's bulk_update says the same as a CASE with a branch a row, which takes longer to build than the database
takes to run it, and does not tell which rows it changed.

To PostgreSQL the values go as one parameter, a JSON text: to write thousands of literals into a statement takes the
client longer than the update takes the server.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Field, Model

ROWS = 500  # in one statement


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
    split = also.count("%s")
    done: set[Any] = set()
    waiting = iter(rows)
    while chunk := list(islice(waiting, ROWS)):
        source, values = as_json(fields, chunk) if connection.vendor == "postgresql" else as_values(fields, chunk)
        sql = statement(model, match, change, also, where) % {"source": source}
        with connection.cursor() as cursor:
            cursor.execute(sql, [*parameters[:split], *values, *parameters[split:]])
            done.update(key for (key,) in cursor.fetchall())
    return done


@cache
def fields_of(model: type[Model], names: tuple[str, ...]) -> tuple["Field[Any, Any]", ...]:
    known = {field.attname: field for field in model._meta.local_concrete_fields}
    return tuple(known[name] for name in names)


def as_values(fields: Sequence["Field[Any, Any]"], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    places = f"({', '.join(['%s'] * len(fields))})"
    values = [
        field.get_db_prep_save(value, connection) for row in rows for field, value in zip(fields, row, strict=True)
    ]
    return f"(VALUES {', '.join([places] * len(rows))}) AS v", values


def as_json(fields: tuple["Field[Any, Any]", ...], rows: Sequence[Sequence[Any]]) -> tuple[str, list[str]]:
    names = [f"column{number}" for number in range(1, len(fields) + 1)]
    text = json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=as_text)
    return f"json_to_recordset(%s::json) AS v({typed(fields)})", [text]


def as_text(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is no value of a column")
    return value.isoformat()


@cache
def typed(fields: tuple["Field[Any, Any]", ...]) -> str:
    kinds = [field.rel_db_type(connection) if field.primary_key else field.db_type(connection) for field in fields]
    return ", ".join(f"column{number} {kind}" for number, kind in enumerate(kinds, start=1))


@cache
def statement(model: type[Model], match: tuple[str, ...], change: tuple[str, ...], also: str, where: str) -> str:
    """With a place for the source of the values, and every other % doubled."""
    quote = connection.ops.quote_name
    columns = [quote(str(field.column)) for field in fields_of(model, match + change)]
    given = [(column, f"v.column{number}") for number, column in enumerate(columns, start=1)]
    finds = [f"t.{column} = {value}" for column, value in given[: len(match)]]
    sets = [f"{column} = {value}" for column, value in given[len(match) :]]
    key = quote(str(model._meta.pk.column))
    text = " ".join(
        [
            f"UPDATE {quote(model._meta.db_table)} AS t SET {', '.join([*sets, also] if also else sets)}",
            "FROM %(source)s",
            f"WHERE {' AND '.join([*finds, where] if where else finds)} RETURNING {returned(key)}",
        ]
    )
    return text.replace("%s", "%%s")


def returned(key: str) -> str:
    """SQLite knows no alias in RETURNING."""
    return key if connection.vendor == "sqlite" else f"t.{key}"
