"""Hints that wait to be written: of one object the last counts, so that they never outnumber what they tell of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.cluster.base import Hint, Notice, PodRef


@dataclass(slots=True)
class Gathered:
    """`plain` are jobs of which nothing came along."""

    plain: set[str] = field(default_factory=set)
    pods: dict[PodRef, Hint] = field(default_factory=dict)
    notices: dict[tuple[str, str, str, str], tuple[str, Notice]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.plain or self.pods or self.notices)

    def add(self, hint: Hint) -> None:
        """A pod that was gone stays gone: its uid never comes again."""
        if hint.pod is None and hint.notice is None:
            self.plain.add(hint.job_id)
            return
        if hint.pod is not None and not ((known := self.pods.get(hint.pod.ref)) and known.gone):
            self.pods[hint.pod.ref] = hint
        if hint.notice is not None:
            notice = hint.notice
            self.notices[hint.job_id, notice.object_uid, notice.reason, notice.message] = (hint.job_id, notice)

    def take(self) -> "Gathered":
        """What is there, which is then no longer here."""
        taken = Gathered(self.plain, self.pods, self.notices)
        self.plain, self.pods, self.notices = set(), {}, {}
        return taken

    def put_back(self, taken: "Gathered") -> None:
        """What could not be written. What came since is newer."""
        self.plain |= taken.plain
        newer, self.pods, self.notices = list(self.hints()), dict(taken.pods), dict(taken.notices)
        for hint in newer:
            self.add(hint)

    def hints(self) -> Iterable[Hint]:
        yield from self.pods.values()
        for job_id, notice in self.notices.values():
            yield Hint(job_id, notice=notice)
