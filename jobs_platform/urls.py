"""Every address of the platform that speaks HTTP. Unknown ones under /api/ are answered as the API answers."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from jobs.admin import overview
from jobs_platform import health
from jobs_platform.api import document, fallbacks

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics_page),
    path("api/auth/", include("accounts.urls")),
    path("api/", include("jobs.api.urls")),
    re_path(r"^api/schema/?$", document.schema),
    re_path(r"^api/docs/?$", document.docs),
    re_path(r"^api(?:/(?P<rest>.*))?$", fallbacks.unknown_path),
    path("", include("jobs.dashboard.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/health", overview.health_page, name="admin_health"),
    path("admin/", admin.site.urls),
]

handler400 = fallbacks.bad_request
handler403 = fallbacks.forbidden
handler404 = fallbacks.not_found
handler500 = fallbacks.server_error
