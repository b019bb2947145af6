"""What people and programs may write into any field, and where it is put."""

from django.db.models import CharField, JSONField, Model, TextField

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "close": "--></title></textarea></pre><img src=x onerror=alert(1)>",
    "template": "{{ 7*7 }}{% debug %}",
    "link": "javascript:alert(1)",
    "ansi": "\x1b[31mred\x1b]0;title\x07",
    "bidi": "abc\u202egnp.exe\u2066",
    "long": "<b>" + "x" * 10_240,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈\u0301\u0301\u0301 <b>🚀",
    "cjk": "训练任务 <b>第三次</b> 日本語 한국어",
}
# Each of them in the first forty characters, as the shortest column holds, and then without end.
MIXTURE = "<b>训练</b>\u202egnp.\u2066\x1b[31m👩‍👩‍👧‍👦\u0301<img src=x>" + "x" * 10_240
# None of these is in a page of ours unless somebody's words became markup.
NASTY = ("<script>alert", "<img src=x", 'onmouseover="alert', "</textarea></pre><img", "<b>", 'href="javascript:')
# By these rows are found, and these are written by the platform alone.
KEYS = frozenset(
    {"public_id", "job_public_id", "digest", "password", "secret_envs", "status", "timezone", "session_key"}
)


def soil(row: Model, payload: str) -> None:
    """The payload in every column of the row that holds text, cut where the column ends."""
    columns: dict[str, object] = {}
    for field in row._meta.concrete_fields:
        if field.primary_key or field.choices or field.name in KEYS:
            continue
        if isinstance(field, JSONField):
            columns[field.name] = {payload: payload}
        elif isinstance(field, CharField | TextField):
            columns[field.name] = payload[: field.max_length]
    if columns:
        type(row)._default_manager.filter(pk=row.pk).update(**columns)
