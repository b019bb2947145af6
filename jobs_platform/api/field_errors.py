"""Django REST framework's nested error details as one flat mapping: `envs[1].name` to its messages."""

from typing import Any


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Lists of messages end a path; dicts with whole-number keys and lists of dicts are the items of a list. What
    belongs to the whole body has the path `body`."""
    if isinstance(detail, dict):
        items = [(join(path, key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(one, (dict, list)) for one in detail):
        items = [(f"{path}[{index}]", value) for index, value in enumerate(detail) if value]
    else:
        return {path or "body": [str(one) for one in (detail if isinstance(detail, list) else [detail])]}
    flat: dict[str, list[str]] = {}
    for inner, value in items:
        for name, messages in flatten(value, inner).items():
            flat.setdefault(name, []).extend(messages)
    return flat


def join(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    if key == "non_field_errors":
        return path or "body"
    return f"{path}.{key}" if path else str(key)
