"""Times and durations in words: `3 min ago`, `3 h 12 min`. Dates and clocks are those of the active time zone."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY, MONTH = 60, 3600, 86400, 30 * 86400


def ago(moment: datetime, now: datetime) -> str:
    """How long ago; after 30 days the date itself. A moment just ahead of this clock is `just now`."""
    seconds = int((now - moment).total_seconds())
    if seconds < 2:
        return _("just now")
    if seconds < MINUTE:
        return _("%(count)d s ago") % {"count": seconds}
    if seconds < HOUR:
        return _("%(count)d min ago") % {"count": seconds // MINUTE}
    if seconds < DAY:
        return _("%(count)d h ago") % {"count": seconds // HOUR}
    if seconds < MONTH:
        return _("%(count)d d ago") % {"count": seconds // DAY}
    return day(moment)


def day(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d")


def exact(moment: datetime) -> str:
    """With the zone's distance from UTC: `2025-01-15 18:30:00 UTC+8`."""
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M:%S} {zone_name(local)}"


def zone_name(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def duration(seconds: float) -> str:
    """The two largest units; tenths of a second under ten seconds."""
    if seconds < 10:
        return _("%(seconds).1f s") % {"seconds": seconds}
    whole = int(seconds)
    if whole < MINUTE:
        return _("%(seconds)d s") % {"seconds": whole}
    if whole < HOUR:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // MINUTE, "seconds": whole % MINUTE}
    if whole < DAY:
        return _("%(hours)d h %(minutes)d min") % {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}
    return _("%(days)d d %(hours)d h") % {"days": whole // DAY, "hours": whole % DAY // HOUR}


def offset(seconds: int) -> str:
    """A distance from a start: `0`, `45 s`, `1 h 30 min`; parts that are zero are left out."""
    days, rest = divmod(seconds, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, left = divmod(rest, MINUTE)
    parts = (
        (days, _("%(number)d d")),
        (hours, _("%(number)d h")),
        (minutes, _("%(number)d min")),
        (left, _("%(number)d s")),
    )
    return " ".join(form % {"number": number} for number, form in parts if number) or "0"
