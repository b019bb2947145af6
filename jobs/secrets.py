"""Secret environment values: encrypted at rest with a key derived from SECRET_KEY, never shown again."""

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


def cipher() -> "Fernet":
    from cryptography.fernet import Fernet  # costs memory in every process, and few jobs carry secrets

    digest = hashlib.sha256(b"jobs.secrets:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(values: dict[str, str]) -> str:
    return cipher().encrypt(json.dumps(values).encode()).decode() if values else ""


def unseal(sealed: str) -> dict[str, str]:
    """Raises cryptography.fernet.InvalidToken when SECRET_KEY is not the one that sealed."""
    if not sealed:
        return {}
    values: dict[str, str] = json.loads(cipher().decrypt(sealed.encode()))
    return values
