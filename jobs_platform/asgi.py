"""The ASGI application: HTTP through our handler, WebSockets through log-in and routing."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402 (the apps come first)

from jobs_platform.handler import PlatformHandler  # noqa: E402
from jobs_platform.sockets import websocket_application  # noqa: E402

application = ProtocolTypeRouter({"http": PlatformHandler(), "websocket": websocket_application()})
