"""How a sentence is made of a stored reason's parameters, and how somebody else's words stand in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.states import EndReason

END_REASONS: dict[str, Promise] = {
    EndReason.COMPLETED: _("completed"),
    EndReason.COMMAND_FAILED: _("command failed"),
    EndReason.OUT_OF_MEMORY: _("out of memory"),
    EndReason.TIMED_OUT: _("time limit reached"),
    EndReason.IMAGE_UNAVAILABLE: _("image not available"),
    EndReason.REJECTED: _("refused by the pool"),
    EndReason.NODE_LOST: _("machine lost"),
    EndReason.PREEMPTED: _("preempted"),
    EndReason.LOST: _("lost"),
    EndReason.STOPPED_BY_USER: _("stopped by a user"),
}
# Words of the cluster are in its language, not in the reader's: they are marked, and stand after ours.
QUOTED = _("The cluster's own words: “%(words)s”.")
LOG_ENDS = _("The log ends with: “%(lines)s”.")
PATIENCE = _("If this does not pass within %(patience)s s, the job fails.")
NEW_LINE = " ⏎ "


@dataclass(frozen=True, slots=True)
class Counted:
    """A sentence whose grammar follows the number in the parameter `by`: `form` gives it for a number. Where that
    parameter is no number, as in a row older than the sentence, it is the plural."""

    by: str
    form: Callable[[int], str]

    def __str__(self) -> str:
        return self.form(2)

    def for_params(self, params: Mapping[str, Any]) -> str:
        number = params.get(self.by)
        return self.form(number) if isinstance(number, int) else str(self)


Sentence = str | Promise | Counted


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, why, what to do next. A sentence of `details` is left out when a parameter of it is missing. The
    cluster's own words, in the parameter `quote`, follow them where there are any; so does the end of a log in
    `lines`. `category`: what kind of trouble this is, for scripts; empty where there is none."""

    summary: Sentence
    details: tuple[Sentence, ...] = ()
    remedy: Sentence = ""
    category: str = ""
    quote: str = "detail"


@dataclass(frozen=True, slots=True)
class Explanation:
    """In the reader's language."""

    category: str
    summary: str
    detail: str = ""
    remedy: str = ""

    @property
    def text(self) -> str:
        """All of it, as one text."""
        return joined([self.summary, self.detail, self.remedy])


class Params(dict[str, Any]):
    """A missing parameter shows as an em dash: an old row must still be readable after a sentence has changed."""

    def __missing__(self, key: str) -> str:
        return "—"


def fill(sentence: Sentence, params: Mapping[str, Any]) -> str:
    form = sentence.for_params(params) if isinstance(sentence, Counted) else str(sentence)
    text = " ".join((form % Params(readable(params))).split())
    return text.replace(" ()", "").replace("（）", "")


def readable(params: Mapping[str, Any]) -> dict[str, Any]:
    """A reason inside a sentence is in the reader's language too; somebody else's words in the middle of ours have no
    full stop of their own."""
    shown = dict(params)
    if str(shown.get("ended")) in END_REASONS:
        shown["ended"] = END_REASONS[str(shown["ended"])]
    if "detail" in shown:
        shown["detail"] = str(shown["detail"]).rstrip(". ")
    return shown


def explain(words: Words, params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        category=words.category,
        summary=fill(words.summary, params),
        detail=joined([*told(words, params), *quotations(words, params)]),
        remedy=fill(words.remedy, params),
    )


def told(words: Words, params: Mapping[str, Any]) -> list[str]:
    known = {name for name, value in params.items() if value not in (None, "")}
    return [fill(sentence, params) for sentence in words.details if names_in(sentence) <= known]


def names_in(sentence: Sentence) -> set[str]:
    """Of the parameters a sentence has."""
    seen: set[str] = set()

    class Recorder(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            seen.add(key)
            return ""

    str(sentence) % Recorder()
    return seen


def quotations(words: Words, params: Mapping[str, Any]) -> list[str]:
    quoted = []
    if said := str(params.get(words.quote) or "").strip().rstrip("."):
        quoted.append(fill(QUOTED, {"words": said}))
    if isinstance(lines := params.get("lines"), list) and lines:
        quoted.append(fill(LOG_ENDS, {"lines": NEW_LINE.join(map(str, lines))}))
    return quoted


def joined(texts: list[str]) -> str:
    """One after the other; Chinese has no space after its full stop."""
    whole = ""
    for text in filter(None, texts):
        whole += text if not whole or whole.endswith("。") else f" {text}"
    return whole
