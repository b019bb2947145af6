"""Serializer fields that take JSON as it is: a number is no string, "true" is no boolean, 3.0 is no whole number.

An unknown field is refused by name. Null means "not given" for a field that may be left out. Serializers here have
no state between calls: one instance serves every request and thread (`read`), since making one copies every field.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

# Bidirectional overrides make a name read as another one (Unicode TR 36, 2.5).
DECEPTIVE = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u2028", "\u2029"}
LINES = {"\n", "\t", "\r"}


class StrictSerializer(serializers.Serializer[Any]):
    def read(self, data: object) -> dict[str, Any]:
        """The validated values. Raises ValidationError."""
        return dict(self.run_validation(data))

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError([_("This must be an object.")])
        fields = self.fields
        given = {name: data[name] for name in data if data[name] is not None or is_required(fields.get(name))}
        unknown = {name: [UNKNOWN] for name in data if name not in fields}
        if not unknown:
            return super().to_internal_value(given)
        errors: dict[str, Any] = dict(unknown)
        try:
            super().to_internal_value(given)
        except ValidationError as exc:
            errors |= dict(exc.detail)  # type: ignore[arg-type]  # a serializer's detail is a dict
        raise ValidationError(errors)


UNKNOWN = _("There is no such field. Remove it, or correct its spelling.")


def is_required(field: Any) -> bool:
    return field is not None and bool(field.required)


class Text(serializers.CharField):
    """Bounded, kept as it came (no stripping). `lines` allows line breaks and tabs, `raw` every control character
    that JSON can carry but NUL, which no body has. `max_bytes` bounds the UTF-8 form."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "control": _("Control characters are not allowed here."),
        "bytes": _("This is longer than %(limit)s bytes."),
        "invalid": _("This must be a string."),
    }

    def __init__(self, *, lines: bool = False, raw: bool = False, max_bytes: int = 0, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)
        self.lines, self.raw, self.max_bytes = lines, raw, max_bytes

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        if not self.raw and not text.isprintable() and any(self.is_control(character) for character in text):
            self.fail("control")
        if self.max_bytes and len(text.encode()) > self.max_bytes:
            raise ValidationError([self.error_messages["bytes"] % {"limit": self.max_bytes}])
        return text

    def is_control(self, character: str) -> bool:
        if self.lines and character in LINES:
            return False
        return character in DECEPTIVE or unicodedata.category(character) in ("Cc", "Cs")


class Whole(serializers.IntegerField):
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": _("This must be a whole number.")}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": _("This must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class Choice(serializers.ChoiceField):
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid_choice": _("This is none of: {choices}.")}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(map(str, self.choices)))
        return data


class Moment(serializers.DateTimeField):
    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("This must be a time such as 2025-01-15T10:30:00Z.")
    }

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or "T" not in value.upper():
            self.fail("invalid")
        try:
            return super().to_internal_value(value)
        except OverflowError:
            self.fail("invalid")
