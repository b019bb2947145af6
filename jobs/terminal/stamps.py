"""What one web process tells another of a peer that it passes on: in a header that only a holder of SECRET_KEY can
write, good for half a minute and for the peer's ticket alone. It also keeps a connection from being passed on twice."""

from django.core import signing

from jobs.services import Origin
from jobs.terminal.tickets import digest_of

HEADER = "X-Terminal-Relay"
SALT = "jobs.terminal.relay"
SECONDS = 30


def stamp(origin: Origin, token: str) -> str:
    return signing.dumps({"ticket": digest_of(token), "address": origin.address}, salt=SALT)


def read_stamp(text: str, token: str) -> Origin | None:
    """Where the peer of another process came from; None for what is no such stamp, or is for another ticket."""
    try:
        facts = signing.loads(text, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return None
    return Origin(address=facts["address"]) if facts["ticket"] == digest_of(token) else None
