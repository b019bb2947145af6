"""Where the logs of old jobs are kept beside this machine's disk: a bucket of any S3-compatible object storage.

`LOG_OBJECT_URL=s3://bucket/prefix` names the bucket; empty, everything stays on the disk. Without an endpoint the
bucket is at AWS. Without a key the credentials are those of the surroundings, as AWS defines them: the variables AWS_*,
a web identity, the container's or the machine's role.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from jobs_platform import env

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """`endpoint`: with the scheme; empty: AWS. `ca`: certificates to trust besides the system's, PEM."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""
    virtual_host: bool = False
    ca: str = ""

    def __repr__(self) -> str:
        """Without the key: a traceback may show it."""
        return f"ObjectStorage(s3://{self.bucket}/{self.prefix} at {self.endpoint or 'AWS'})"


def from_environment() -> ObjectStorage | None:
    """None: no bucket is configured. Raises ImproperlyConfigured."""
    url = env.text("LOG_OBJECT_URL")
    if not url:
        return None
    bucket, prefix = bucket_of(url)
    key, secret = env.text("LOG_OBJECT_ACCESS_KEY_ID"), env.text("LOG_OBJECT_SECRET_ACCESS_KEY")
    if bool(key) != bool(secret):
        raise ImproperlyConfigured(
            "LOG_OBJECT_ACCESS_KEY_ID and LOG_OBJECT_SECRET_ACCESS_KEY go together: give both, or neither."
        )
    return ObjectStorage(
        bucket=bucket,
        prefix=prefix,
        endpoint=endpoint_of(env.text("LOG_OBJECT_ENDPOINT")),
        region=env.text("LOG_OBJECT_REGION", "us-east-1"),
        access_key_id=key,
        secret_access_key=secret,
        virtual_host=env.choice("LOG_OBJECT_ADDRESSING", "path", {"path", "virtual"}) == "virtual",
        ca=env.text("LOG_OBJECT_CA"),
    )


def bucket_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if (
        parts.scheme != "s3"
        or not BUCKET.fullmatch(parts.netloc)
        or (prefix and not PREFIX.fullmatch(prefix))
        or {".", ".."} & set(prefix.split("/"))
        or parts.query
        or parts.fragment
    ):
        raise ImproperlyConfigured(f"LOG_OBJECT_URL={url!r} is not of the form s3://bucket or s3://bucket/prefix.")
    return parts.netloc, prefix


def endpoint_of(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise ImproperlyConfigured("LOG_OBJECT_ENDPOINT is not an address such as https://minio.example.com:9000.")
    return url.rstrip("/")
