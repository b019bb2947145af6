"""Reading query parameters: each one strict and given once at most, each mistake named."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.exceptions import ValidationFailed

WHOLE_MAX = (1 << 63) - 1
FLAGS = {"true": True, "1": True, "false": False, "0": False}
WHOLE = {"type": "integer", "minimum": 0}  # in the OpenAPI document

Reader = Callable[[str], Any]


class Refused(Exception):
    """One parameter's value is wrong: the sentence says how."""

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= WHOLE_MAX):
        raise Refused(_("This must be a whole number that is not negative, such as 100."))
    return int(text)


def at_least_one(text: str) -> int:
    if (number := whole(text)) < 1:
        raise Refused(_("This must be at least 1."))
    return number


def flag(text: str) -> bool:
    if text.lower() not in FLAGS:
        raise Refused(_("This must be true or false."))
    return FLAGS[text.lower()]


def read_values(
    given: Mapping[str, Sequence[str]], readers: Mapping[str, Reader], *, shown_as: Mapping[str, str] = {}
) -> dict[str, Any]:
    """Each parameter that was given, read. `shown_as`: what an error calls a value that came by another way. Raises
    ValidationFailed with every mistake."""
    values: dict[str, Any] = {}
    errors: dict[str, list[str | Promise]] = {}
    for name, texts in given.items():
        try:
            values[name] = read_one(name, texts, readers)
        except Refused as refused:
            errors[shown_as.get(name, name)] = [refused.sentence]
    if errors:
        raise ValidationFailed(errors)
    return values


def read_one(name: str, texts: Sequence[str], readers: Mapping[str, Reader]) -> Any:
    if name not in readers:
        raise Refused(_("There is no such parameter. Remove it, or correct its spelling."))
    if len(texts) > 1:
        raise Refused(_("This is given more than once."))
    return readers[name](texts[0])
