"""Django's SQLite backend with another way to wait for the one writer's place.

SQLite's own busy handler sleeps longer and longer between its tries (1, 2, 5 … 100 ms), so who has waited longest waits
longest still, and a 3 ms write takes 50 ms beside a busy worker. Here a statement that finds the database locked tries
again every millisecond until `patience` seconds have passed. Only a statement outside a transaction waits like this:
BEGIN IMMEDIATE, or a single write in autocommit. It has had no effect when it fails, and inside a transaction the place
is already held.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.backends.sqlite3 import base

T = TypeVar("T")
PAUSE_SECONDS = 0.001


class PatientCursor(base.SQLiteCursorWrapper):
    patience: float = 0.0

    def execute(self, query: str, params: Any = None) -> Any:
        return self.patiently(lambda: super(PatientCursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        rows = list(param_list)  # an iterator could be gone through only once
        return self.patiently(lambda: super(PatientCursor, self).executemany(query, rows))

    def patiently(self, run: Callable[[], T]) -> T:
        """Raises sqlite3.OperationalError, "database is locked", when patience is over."""
        deadline = 0.0
        while True:
            try:
                return run()
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or self.connection.in_transaction:
                    raise
                deadline = deadline or time.monotonic() + self.patience
                if time.monotonic() >= deadline:
                    raise
                time.sleep(PAUSE_SECONDS)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        self.patience = float(params.pop("patience", 30))
        return {**params, "timeout": 0}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """The first statements set up WAL and may meet a lock before any cursor of ours is there: SQLite waits then."""
        connection = super().get_new_connection({**conn_params, "timeout": self.patience})
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = self.connection.cursor(factory=PatientCursor)
        cursor.patience = self.patience
        return cursor
