"""Paths of the WebSockets."""

from typing import Any

from django.urls import re_path

from jobs.consumers.job_logs import JobLogsConsumer
from jobs.consumers.live.consumer import LiveConsumer
from jobs.consumers.logs import LogsConsumer
from jobs.consumers.terminal import TerminalConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/live/?$", LiveConsumer.as_asgi()),
    re_path(r"^webterminal/(?P<ticket>[^/]+)/?$", TerminalConsumer.as_asgi()),
    re_path(r"^api/jobs/(?P<job_id>[^/]+)/logs/?$", JobLogsConsumer.as_asgi()),
    re_path(r"^api/jobs/(?P<job_id>[^/]+)/pods/(?P<pod_name>[^/]+)/logs/?$", LogsConsumer.as_asgi()),
]
