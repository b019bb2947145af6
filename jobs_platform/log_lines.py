"""The platform's own log as JSON, one object a line, for what collects logs: LOG_FORMAT=json."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from jobs_platform.request_id import current

JOB = "job_id"  # `logger.info(..., extra={"job_id": ...})`


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger and message; request and job where there is one, the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "requestId": current.get(),
            "jobId": getattr(record, JOB, ""),
            "traceback": self.formatException(record.exc_info) if record.exc_info else "",
        }
        told = {name: clean(value) for name, value in line.items() if value}
        return orjson.dumps(told).decode()


def clean(text: str) -> str:
    """Lone surrogates, such as of a file name, are no JSON."""
    return text.encode(errors="backslashreplace").decode()
