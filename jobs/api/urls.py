"""The contract's paths, under /api/. A trailing slash is no error."""

from django.urls import re_path

from jobs.api.job_first_error import FirstErrorView
from jobs.api.job_logs import JobLogsView
from jobs.api.log_download import LogDownloadView
from jobs.api.log_search import SearchView
from jobs.api.logs import LogsView
from jobs.api.metrics import MetricsView
from jobs.api.pools import PoolViewSet
from jobs.api.recordings import RecordingsView, RecordingView
from jobs.api.templates import TemplateViewSet
from jobs.api.terminal import WebTerminalView
from jobs.api.terminal_sessions import TerminalSessionsView, TerminalSessionView
from jobs.api.viewsets import JobViewSet

JOB = r"^jobs/(?P<job_id>[^/]+)"

urlpatterns = [
    re_path(r"^jobs/?$", JobViewSet.as_view({"post": "search"})),
    re_path(r"^jobs/create/?$", JobViewSet.as_view({"post": "create"})),
    re_path(rf"{JOB}/?$", JobViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    re_path(rf"{JOB}/stop/?$", JobViewSet.as_view({"post": "stop"})),
    re_path(rf"{JOB}/events/?$", JobViewSet.as_view({"get": "events"})),
    re_path(rf"{JOB}/metrics/?$", MetricsView.as_view()),
    re_path(rf"{JOB}/recordings/?$", RecordingsView.as_view()),
    re_path(rf"{JOB}/recordings/(?P<recording_id>[^/]+)/?$", RecordingView.as_view()),
    re_path(rf"{JOB}/logs/?$", JobLogsView.as_view()),
    re_path(rf"{JOB}/logs/first-error/?$", FirstErrorView.as_view()),
    re_path(rf"{JOB}/pods/?$", JobViewSet.as_view({"get": "pods"})),
    re_path(rf"{JOB}/pods/(?P<pod_name>[^/]+)/webterminal/?$", WebTerminalView.as_view()),
    re_path(rf"{JOB}/pods/(?P<pod_name>[^/]+)/logs/?$", LogsView.as_view()),
    re_path(rf"{JOB}/pods/(?P<pod_name>[^/]+)/logs/search/?$", SearchView.as_view()),
    re_path(rf"{JOB}/pods/(?P<pod_name>[^/]+)/logs/download/?$", LogDownloadView.as_view()),
    re_path(rf"{JOB}/terminal-sessions/?$", TerminalSessionsView.as_view()),
    re_path(rf"{JOB}/terminal-sessions/(?P<session_id>[^/]+)/?$", TerminalSessionView.as_view()),
    re_path(r"^job-templates/?$", TemplateViewSet.as_view({"get": "list", "post": "create"})),
    re_path(
        r"^job-templates/(?P<template_id>[^/]+)/?$",
        TemplateViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    re_path(r"^resource-pools/?$", PoolViewSet.as_view({"get": "list"})),
    re_path(r"^resource-pools/(?P<pool_id>[^/]+)/queues/?$", PoolViewSet.as_view({"get": "queues"})),
]
