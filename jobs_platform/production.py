"""What an installation that serves others must not be. Pure: the settings say what they are, this says what is wrong.

With PRODUCTION=1 every process, whichever command started it, refuses to start until all of it is put right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

SECRET_LENGTH = 50
SECRET_VARIETY = 8  # different characters
EXAMPLES = ("insecure", "only-for", "change-me", "changeme")


@dataclass(frozen=True, slots=True)
class Posture:
    """The settings that decide, as they were read."""

    debug: bool
    secret_key: str
    allowed_hosts: Sequence[str]
    trusted_origins: Sequence[str]
    public_url: str
    behind_tls_proxy: bool
    trusted_proxies: int
    database_engine: str
    web_processes: int
    local_pool: bool
    local_pool_consent: bool


def require_safe(posture: Posture) -> None:
    """Raises ImproperlyConfigured that names every problem, each with what to do."""
    if found := list(problems(posture)):
        raise ImproperlyConfigured("PRODUCTION=1 refuses these settings:\n" + "\n".join(f"  - {one}" for one in found))


def problems(posture: Posture) -> Iterator[str]:
    if posture.debug:
        yield "DEBUG=1 shows source and settings to whoever causes an error: remove it."
    if is_weak(posture.secret_key):
        yield (
            f"SECRET_KEY is short, repetitive or an example: give it {SECRET_LENGTH} random characters, such as "
            'python -c "import secrets; print(secrets.token_urlsafe(48))".'
        )
    if any("*" in host or host.startswith(".") for host in posture.allowed_hosts):
        yield "ALLOWED_HOSTS has a wildcard: name the host names that users see."
    if any("*" in origin for origin in posture.trusted_origins):
        yield "CSRF_TRUSTED_ORIGINS has a wildcard: name each origin."
    yield from at_the_edge(posture)
    if "sqlite" in posture.database_engine and posture.web_processes > 1:
        yield (
            f"SQLite serves one web process and WEB_PROCESSES is {posture.web_processes}: "
            "set DATABASE_URL to a PostgreSQL database."
        )
    if posture.local_pool and not posture.local_pool_consent:
        yield (
            "LOCAL_POOL_ENABLED=1 lets every member run programs as the platform's own user: turn it off, or say "
            "LOCAL_POOL_CONSENT=1 where all of them may."
        )


def at_the_edge(posture: Posture) -> Iterator[str]:
    """TLS, and who is believed to say that there is any."""
    if not posture.public_url.startswith("https://"):
        yield "PUBLIC_URL is not https://: give the address that users see; passwords and tokens travel to it."
    if not posture.behind_tls_proxy:
        yield "BEHIND_TLS_PROXY is off: end TLS in a proxy that sets X-Forwarded-Proto, and turn it on."
    if posture.trusted_proxies < 1:
        yield (
            "TRUSTED_PROXY_COUNT is 0: behind a proxy all users would share its address, in the audit and when log-ins "
            "are throttled. Set it to the number of proxies in front."
        )


def is_weak(secret: str) -> bool:
    return len(secret) < SECRET_LENGTH or len(set(secret)) < SECRET_VARIETY or secret.lower().startswith(EXAMPLES)
