"""Sets of jobs."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connections, models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from accounts.models import User
from jobs.lookups import Active

if TYPE_CHECKING:
    from jobs.models import Job  # noqa: F401 (named in the base class below, as text: models import this module)

TRIGRAM = 3
models.CharField.register_lookup(Active)


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> "JobQuerySet":
        """Not deleted, in a project the user belongs to; everything for superusers."""
        present = self.filter(deleted_at=None)
        if user.is_superuser:
            return present
        return present.filter(project_id__in=user.project_ids())

    def active(self) -> "JobQuerySet":
        """By an index that holds these alone, also where more is asked of the status."""
        return self.filter(status__active=True)

    def due(self, now: datetime) -> "JobQuerySet":
        """To be reconciled now and claimed by nobody whose lease still holds."""
        return self.filter(next_check_at__lte=now).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def hint(self, now: datetime) -> int:
        """Make the jobs due now, also while somebody has them claimed. Answers how many."""
        return self.update(next_check_at=now, hints=F("hints") + 1)

    def matching(self, keyword: str) -> "JobQuerySet":
        """Name or id contains the keyword, ignoring case. On SQLite an FTS5 trigram index answers from three
        characters on; PostgreSQL has a pg_trgm index for the same LIKE."""
        if connections[self.db].vendor == "sqlite" and len(keyword) >= TRIGRAM:
            phrase = '"' + keyword.replace('"', '""') + '"'
            hits = RawSQL("SELECT rowid FROM jobs_job_search WHERE jobs_job_search MATCH %s", (phrase,))
            return self.filter(pk__in=hits)
        return self.filter(Q(name__icontains=keyword) | Q(public_id__icontains=keyword))
