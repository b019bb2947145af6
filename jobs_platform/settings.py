"""The one settings file. Values come from environment variables (README.md lists them) with embedded defaults:
SQLite and a Redis-protocol server under DATA_DIR, which the launcher starts."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from jobs_platform import databases, env, object_storage, production
from jobs_platform.runtime import redis_socket
from jobs_platform.version import VERSION

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".local"))).expanduser().resolve()

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set: give it (or SECRET_KEY_FILE) 50 random characters.")
    SECRET_KEY = "insecure-only-for-debug"
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8080, minimum=1, maximum=65535)
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
INTERNAL_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(HOST, HOST)
WEB_INTERNAL_URL = (
    env.text("WEB_INTERNAL_URL").rstrip("/")
    or f"http://{f'[{INTERNAL_HOST}]' if ':' in INTERNAL_HOST else INTERNAL_HOST}:{PORT}"
)
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", *([HOST] if HOST not in ("0.0.0.0", "::") else ["*"])]
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [PUBLIC_URL] if PUBLIC_URL else [])
BEHIND_TLS_PROXY = env.flag("BEHIND_TLS_PROXY", False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, maximum=10)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "accounts",
    "jobs",
]
MIDDLEWARE = [
    "jobs_platform.request_id.RequestIdMiddleware",
    "jobs_platform.body_limit.BodyLimitMiddleware",
    "jobs_platform.security_headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.time_zones.AdminTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "jobs_platform.urls"
ASGI_APPLICATION = "jobs_platform.asgi.application"
APPEND_SLASH = False
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs_platform.security_headers.csp_nonce",
            ]
        },
    }
]

DATABASES = {
    "default": databases.parse(
        env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'platform.sqlite3'}"),
        synchronous=env.choice("SQLITE_SYNCHRONOUS", "FULL", {"FULL", "NORMAL"}),
        pool_size=env.integer("DATABASE_POOL_SIZE", 8, minimum=1, maximum=200),
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", f"unix://{redis_socket(DATA_DIR)}")
CHANNEL_LAYERS: dict[str, Any] = {
    # The pub/sub layer, not the default one: that blocks longer in BZPOPMIN than redis-py's socket timeout, and
    # every idle WebSocket closes. It drops messages over capacity, so only nudges go through it.
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 120, "socket_connect_timeout": 1.0, "socket_timeout": 5.0}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # every entry is due again within seconds: nothing to keep on disk
SWEEP_SECONDS = env.decimal("SWEEP_SECONDS", 2.0, minimum=0.2)
PACK_LOGS_SECONDS = env.decimal("PACK_LOGS_SECONDS", 10.0, minimum=0.2)
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "jobs.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": 10}},
    "pack_logs": {"task": "jobs.pack_logs", "schedule": PACK_LOGS_SECONDS, "options": {"expires": 10}},
    "sample_pools": {"task": "jobs.sample_pools", "schedule": 60.0, "options": {"expires": 60}},
    "purge": {"task": "jobs.purge", "schedule": 30.0, "options": {"expires": 30}},
    "end_terminals": {"task": "jobs.end_terminals", "schedule": 20.0, "options": {"expires": 20}},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = env.integer("SESSION_SECONDS", 14 * 86400, minimum=60)
SESSION_COOKIE_SAMESITE = "Lax"
AXES_FAILURE_LIMIT = env.integer("LOGIN_FAILURE_LIMIT", 5, minimum=1)
AXES_COOLOFF_TIME = timedelta(seconds=env.integer("LOGIN_LOCK_SECONDS", 300, minimum=1))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HANDLER = "accounts.throttling.LoginThrottle"
AXES_LOCKOUT_CALLABLE = "accounts.throttling.locked_response"
AXES_CLIENT_IP_CALLABLE = "accounts.throttling.throttled_address"
LOGIN_ADDRESS_FAILURE_LIMIT = env.integer("LOGIN_ADDRESS_FAILURE_LIMIT", 50, minimum=1)
LOGIN_ACCOUNT_FAILURE_LIMIT = env.integer("LOGIN_ACCOUNT_FAILURE_LIMIT", 100, minimum=1)
CSRF_FAILURE_VIEW = "jobs_platform.api.fallbacks.csrf_failure"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["jobs_platform.api.renderers.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["jobs_platform.api.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "jobs_platform.api.exception_handler.handle",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.integer("ACCESS_TOKEN_SECONDS", 900, minimum=5)),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=env.integer("REFRESH_TOKEN_SECONDS", 7 * 86400, minimum=10)),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "CHECK_REVOKE_TOKEN": True,
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Training jobs"),
    "SITE_HEADER": _("Training jobs"),
    "SITE_SUBHEADER": _("Operators' pages"),
    "DASHBOARD_CALLBACK": "jobs.admin.overview.context",
    "SIDEBAR": {"navigation": "jobs_platform.admin_menu.groups"},
    "SITE_ICON": "jobs_platform.admin_menu.mark",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "jobs_platform.admin_menu.mark"}],
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Training jobs",
    "DESCRIPTION": "Runs training jobs on Kubernetes or on this machine.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["jobs_platform.api.schema.finish"],
}
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 1 << 20, minimum=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
MAX_DISCARD_BYTES = 64 * MAX_BODY_BYTES  # of a body that is too large: read this much before cutting the connection
WEBSOCKET_MAX_MESSAGE_BYTES = 256 << 10

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# The platform's own settings.
LOCAL_POOL_ENABLED = env.flag("LOCAL_POOL_ENABLED", DEBUG)
LOG_DIR = DATA_DIR / "logs"
WORK_DIR = DATA_DIR / "work"
RECORDING_DIR = DATA_DIR / "recordings"
LOCAL_POOL_DIR = DATA_DIR / "pool"
KUBECONFIG_DIR = Path(env.text("KUBECONFIG_DIR", str(DATA_DIR / "kubeconfigs"))).expanduser()
# Both together less than a claim (jobs.reconcile.claims.LEASE): a worker that waited in vain still writes that it did.
KUBERNETES_CONNECT_SECONDS = env.decimal("KUBERNETES_CONNECT_SECONDS", 3.0, minimum=0.1)
KUBERNETES_READ_SECONDS = env.decimal("KUBERNETES_READ_SECONDS", 10.0, minimum=0.1)
IMAGE_PULL_SECONDS = env.integer("IMAGE_PULL_SECONDS", 300, minimum=1)
WATCH_STALE_SECONDS = env.integer("WATCH_STALE_SECONDS", 120, minimum=1)
LOG_MAX_BYTES_PER_POD = env.integer("LOG_MAX_BYTES_PER_POD", 10 << 30, minimum=1 << 20, maximum=1 << 50)
LOG_SEGMENT_BYTES = env.integer("LOG_SEGMENT_BYTES", 64 << 20, minimum=4096, maximum=1 << 32)
LOG_OBJECTS = object_storage.from_environment()
LOG_LOCAL_KEEP_SECONDS = env.integer("LOG_LOCAL_KEEP_SECONDS", 86400)
LOG_RESPONSE_MAX_BYTES = env.integer("LOG_RESPONSE_MAX_BYTES", 16 << 20, minimum=1024)
WEB_DRAIN_SECONDS = env.decimal("WEB_DRAIN_SECONDS", 10.0)
WEB_STREAM_DRAIN_SECONDS = env.decimal("WEB_STREAM_DRAIN_SECONDS", 1.0)
AGENT_STALE_SECONDS = env.integer("AGENT_STALE_SECONDS", 30, minimum=1)
WEB_THREADS = env.integer("WEB_THREADS", 2, minimum=1, maximum=64)
WORKER_THREADS = env.integer("WORKER_THREADS", 2, minimum=1, maximum=64)
TOMBSTONE_SECONDS = env.integer("TOMBSTONE_SECONDS", 7 * 86400, minimum=0)
TERMINAL_TICKET_SECONDS = env.integer("TERMINAL_TICKET_SECONDS", 60, minimum=5, maximum=600)
TERMINAL_IDLE_SECONDS = env.integer("TERMINAL_IDLE_SECONDS", 1800, minimum=10)
TERMINAL_TOTAL_SECONDS = env.integer("TERMINAL_TOTAL_SECONDS", 8 * 3600, minimum=10)
TERMINAL_DETACHED_SECONDS = env.integer("TERMINAL_DETACHED_SECONDS", 600, minimum=0)
TERMINALS_PER_USER = env.integer("TERMINALS_PER_USER", 10, minimum=1)
TERMINAL_RECORDING_MAX_BYTES = env.integer("TERMINAL_RECORDING_MAX_BYTES", 100 << 20, minimum=64 << 10)
TERMINAL_RECORDING_KEEP_SECONDS = env.integer("TERMINAL_RECORDING_KEEP_SECONDS", 90 * 86400, minimum=0)
AUTHORITY_CHECK_SECONDS = env.integer("AUTHORITY_CHECK_SECONDS", 15, minimum=1, maximum=15)

PRODUCTION = env.flag("PRODUCTION", False)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 1, minimum=1)
LOCAL_POOL_CONSENT = env.flag("LOCAL_POOL_CONSENT", False)
if PRODUCTION:
    production.require_safe(
        production.Posture(
            debug=DEBUG,
            secret_key=SECRET_KEY,
            allowed_hosts=ALLOWED_HOSTS,
            trusted_origins=CSRF_TRUSTED_ORIGINS,
            public_url=PUBLIC_URL,
            behind_tls_proxy=BEHIND_TLS_PROXY,
            trusted_proxies=TRUSTED_PROXY_COUNT,
            database_engine=DATABASES["default"]["ENGINE"],
            web_processes=WEB_PROCESSES,
            local_pool=LOCAL_POOL_ENABLED,
            local_pool_consent=LOCAL_POOL_CONSENT,
        )
    )

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOG_FORMAT = env.choice("LOG_FORMAT", "text", {"text", "json"})
if LOG_FORMAT == "json":
    logging.captureWarnings(True)  # Python's own are lines like all others
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "jobs_platform.request_id.RequestIdFilter"}},
    "formatters": {
        "text": {"format": "%(levelname)s %(name)s %(message)s%(request_suffix)s"},
        "json": {"()": "jobs_platform.log_lines.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # a client's 4xx is not news
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
        "twisted": {"level": "WARNING"},
    },
}
