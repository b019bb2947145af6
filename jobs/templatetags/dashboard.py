"""What the pages' templates need to show times."""

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.dashboard import times
from jobs.dashboard.detail import visible_text

register = template.Library()


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A <time> element: relative text, the exact moment on hover."""
    if moment is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        times.exact(moment),
        times.ago(moment, timezone.now()),
    )


@register.filter
def exact(moment: datetime | None) -> SafeString | str:
    if moment is None:
        return "–"
    return format_html('<time datetime="{}">{}</time>', moment.strftime("%Y-%m-%dT%H:%M:%SZ"), times.exact(moment))


@register.filter
def duration(seconds: float | None) -> str:
    return "–" if seconds is None else times.duration(seconds)


@register.filter
def grouped(number: int) -> str:
    """1234567 as 1,234,567, in both languages."""
    return f"{number:,}"


@register.filter
def day(moment: datetime) -> SafeString:
    """A date, the exact moment on hover: for moments to come."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        times.exact(moment),
        times.day(moment),
    )


@register.filter
def at(mapping: Mapping[str, object], key: str) -> object:
    """mapping[key], or empty text."""
    return mapping.get(key, "")


@register.filter
def visible(text: str) -> str:
    """Control and direction-changing characters as escapes."""
    return visible_text(text)
