"""The pages' addresses. Included at the site's root."""

from django.urls import path

from jobs.dashboard.views import (
    account,
    actions,
    compare,
    create,
    detail,
    listing,
    pools,
    recordings,
    session,
    templates,
    trial,
)

app_name = "dashboard"
urlpatterns = [
    path("", listing.job_list, name="jobs"),
    path("login", session.LogIn.as_view(), name="login"),
    path("logout", session.log_out, name="logout"),
    path("language", session.set_language, name="language"),
    path("theme", session.set_theme, name="theme"),
    path("account", account.account, name="account"),
    path("account/tokens", account.create_token, name="create_token"),
    path("account/tokens/<int:pk>/revoke", account.revoke_token, name="revoke_token"),
    path("account/timezone", account.set_time_zone, name="time_zone"),
    path("account/sessions/end", account.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/<int:pk>/end", account.end_session, name="end_session"),
    path("account/password", account.change_password, name="password"),
    path("pools", pools.pool_list, name="pools"),
    path("pools/live", pools.live, name="pools_live"),
    path("jobs", listing.to_list),
    path("jobs/rows", listing.rows, name="rows"),
    path("jobs/new", create.create, name="new"),
    path("jobs/compare", compare.compare, name="compare"),
    path("jobs/new/check", trial.check_typed, name="check"),
    path("templates", templates.templates, name="templates"),
    path("templates/<int:pk>/delete", templates.delete, name="delete_template"),
    path("jobs/<str:job_id>", detail.job_detail, name="job"),
    path("jobs/<str:job_id>/live", detail.live, name="live"),
    path("jobs/<str:job_id>/first-error", detail.first_error, name="first_error"),
    path("jobs/<str:job_id>/stop", actions.stop, name="stop"),
    path("jobs/<str:job_id>/delete", actions.delete, name="delete"),
    path("jobs/<str:job_id>/recordings/<str:recording_id>", recordings.recording, name="recording"),
    path("jobs/<str:job_id>/logs", detail.job_log, name="job_log"),
    path("jobs/<str:job_id>/pods/<str:pod_name>/logs", detail.log, name="log"),
    path("jobs/<str:job_id>/pods/<str:pod_name>/terminal", detail.terminal, name="terminal"),
]
