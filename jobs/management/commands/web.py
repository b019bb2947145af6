"""`manage.py web`: the web server process (HTTP and WebSockets)."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Serves HTTP and WebSockets until SIGTERM or SIGINT, then drains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        from jobs_platform.server import serve  # installs Twisted's reactor

        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of one that is not there

        sys.exit(serve(host, port))
