"""The Celery application: `celery -A jobs_platform worker`, `celery -A jobs_platform beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")

app = Celery("jobs_platform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["jobs"])
