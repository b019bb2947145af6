"""Configurations by which clients find the double."""

import json
from pathlib import Path
from typing import Any


def write(path: Path, *, url: str, token: str, namespace: str, authority: str = "") -> Path:
    """JSON, which is YAML too. `authority`: the CA's certificate, base64, when the server speaks TLS."""
    cluster: dict[str, Any] = {"server": url}
    if authority:
        cluster["certificate-authority-data"] = authority
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "double", "cluster": cluster}],
        "users": [{"name": "platform", "user": {"token": token}}],
        "contexts": [{"name": "double", "context": {"cluster": "double", "user": "platform", "namespace": namespace}}],
        "current-context": "double",
    }
    path.write_text(json.dumps(config, indent=2))
    return path
