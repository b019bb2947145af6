"""The bucket in which old logs are kept, and the one module that knows its client, obstore.

The client is imported when it is first used: an instance without a bucket does not pay for it. Every call has time
limits. A reader's are short, as somebody waits; and when the bucket did not answer, readers are told so at once for
REST_SECONDS, and then one of them tries again, so that a bucket that is away does not take the threads of the web
server. The background's calls are patient.

Safe to use from several threads.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.exceptions import LogsAway
from jobs_platform.object_storage import ObjectStorage

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

logger = logging.getLogger(__name__)

REST_SECONDS = 15.0
PART = 8 << 20  # bytes of one part of an upload; two parts are under way at once
CHUNK = 1 << 20  # bytes read at once when an object is read through


@dataclass(frozen=True, slots=True)
class Manner:
    """How long an answer is waited for: to connect, of silence, in all; and how often and how long it is tried anew."""

    connect_seconds: float
    silence_seconds: float
    seconds: float
    retries: int
    retry_seconds: float


HASTY = Manner(connect_seconds=2, silence_seconds=4, seconds=6, retries=1, retry_seconds=3)
PATIENT = Manner(connect_seconds=5, silence_seconds=20, seconds=300, retries=3, retry_seconds=30)


class Bucket:
    """Keys are below the configured prefix. Every method raises LogsAway when the bucket does not answer, or refuses
    us; those about one object raise FileNotFoundError when it is not there."""

    def __init__(self, where: ObjectStorage, manner: Manner = HASTY) -> None:
        self.where = where
        self._manner = manner
        self._rest = 0.0 if manner is PATIENT else REST_SECONDS
        self._store: S3Store | None = None
        self._making = threading.Lock()
        self._turn = threading.Lock()
        self._silent_until = 0.0

    def size(self, key: str) -> int:
        import obstore

        with self._asking(key) as store:
            return int(obstore.head(store, key)["size"])

    def read(self, key: str, start: int, end: int) -> bytes:
        """The bytes [start, end), which the object has."""
        import obstore

        with self._asking(key) as store:
            return bytes(obstore.get_range(store, key, start=start, end=end))

    def chunks(self, key: str) -> Iterator[bytes]:
        """The whole object, piece by piece."""
        import obstore

        with self._asking(key) as store:
            yield from obstore.get(store, key).stream(min_chunk_size=CHUNK)

    def put(self, key: str, content: Path | bytes) -> None:
        """All of it or nothing is there afterwards; what was there is replaced. The content's digest is part of the
        signature, so the server refuses what was changed on the way."""
        import obstore

        with self._asking(key) as store:
            obstore.put(store, key, content, chunk_size=PART, max_concurrency=2)

    def keys(self, prefix: str) -> Iterator[str]:
        """Of every object below `prefix`, a whole step of the path."""
        import obstore

        with self._asking(prefix) as store:
            for page in obstore.list(store, prefix, chunk_size=1000):
                yield from (meta["path"] for meta in page)

    def remove(self, key: str) -> None:
        """Not there: no effect."""
        import obstore

        with self._asking(key) as store:
            try:
                obstore.delete(store, key)
            except FileNotFoundError:
                return

    @contextmanager
    def _asking(self, key: str) -> Iterator["S3Store"]:
        from obstore.exceptions import BaseError

        self._require_turn()
        try:
            yield self._client()
            self._silent_until = 0.0
        except FileNotFoundError:
            self._silent_until = 0.0
            raise
        except BaseError as exc:
            self._silent_until = time.monotonic() + self._rest
            logger.warning("%r failed at %s: %s", self.where, key, first_line(exc))
            raise LogsAway from exc

    def _require_turn(self) -> None:
        """Raises LogsAway while the bucket is left alone. When that is over, whoever comes first has another rest for
        his try, and the others go on waiting for what becomes of it."""
        if not self._silent_until:
            return
        with self._turn:
            now = time.monotonic()
            if now < self._silent_until:
                raise LogsAway
            self._silent_until = now + self._rest

    def _client(self) -> "S3Store":
        with self._making:
            if self._store is None:
                self._store = connect(self.where, self._manner)
            return self._store


def connect(where: ObjectStorage, manner: Manner) -> "S3Store":
    from obstore.store import S3Store

    return S3Store(
        where.bucket,
        prefix=where.prefix or None,
        config=config(where),
        client_options=client_options(where, manner),
        retry_config=retries(manner),
    )


def config(where: ObjectStorage) -> "S3Config":
    config: S3Config = {
        "region": where.region,
        "virtual_hosted_style_request": where.virtual_host,
        "disable_bulk_delete": True,  # not every storage has it, and a log is a handful of objects
    }
    if where.endpoint:
        config["endpoint"] = where.endpoint
    if where.access_key_id:
        config["access_key_id"] = where.access_key_id
        config["secret_access_key"] = where.secret_access_key
    return config


def client_options(where: ObjectStorage, manner: Manner) -> "ClientConfig":
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=manner.connect_seconds),
        "read_timeout": timedelta(seconds=manner.silence_seconds),
        "timeout": timedelta(seconds=manner.seconds),
        "allow_http": where.endpoint.startswith("http://"),
    }
    if where.ca:
        options["root_certificate"] = where.ca
    return options


def retries(manner: Manner) -> "RetryConfig":
    return {"max_retries": manner.retries, "retry_timeout": timedelta(seconds=manner.retry_seconds)}


def first_line(exc: Exception) -> str:
    """Of the client's long account; it names no secrets."""
    return str(exc).partition("\n")[0][:300]


@lru_cache(maxsize=4)
def readers_bucket(where: ObjectStorage) -> Bucket:
    """One for each process."""
    return Bucket(where)
