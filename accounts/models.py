"""Users, projects, memberships and personal access tokens."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role


class Theme(models.TextChoices):
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class User(AbstractUser):
    # Each empty is "as the browser says".
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    theme = models.CharField(_("theme"), max_length=8, blank=True, default="", choices=Theme.choices)
    timezone = models.CharField(_("time zone"), max_length=64, blank=True, default="")

    def project_ids(self) -> list[int]:
        """Of the projects the user is a member of. Plain SQL: it runs with nearly every call, and the ORM takes
        several times as long to write it as the database to answer it."""
        with connections[self._state.db or DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT project_id FROM accounts_membership WHERE user_id = %s", [self.pk])
            return [pk for (pk,) in cursor.fetchall()]

    def role_in(self, project_id: int) -> Role | None:
        """The user's role in the project, None when not a member. Superusers are admins everywhere."""
        if self.is_superuser:
            return Role.ADMIN
        value = Membership.objects.filter(user_id=self.pk, project_id=project_id).values_list("role", flat=True).first()
        return Role(value) if value else None


class RecordingPolicy(models.TextChoices):
    """Whether what terminals in a project's pods show is recorded. REQUIRED: no terminal without its recording."""

    OFF = "off", _("off")
    ON = "on", _("on")
    REQUIRED = "required", _("required")


class Project(models.Model):
    slug = models.SlugField(_("id"), max_length=63, unique=True)
    name = models.CharField(_("name"), max_length=128)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")
    recording = models.CharField(
        _("terminal recording"),
        max_length=16,
        choices=RecordingPolicy.choices,
        default=RecordingPolicy.OFF,
        help_text=_("Of terminals opened from now on. Required: no terminal where it cannot be recorded."),
    )

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.name

    @property
    def is_recorded(self) -> bool:
        return self.recording != RecordingPolicy.OFF


class Membership(models.Model):
    ROLES: ClassVar = [
        (Role.VIEWER.value, _("viewer")),
        (Role.MEMBER.value, _("member")),
        (Role.ADMIN.value, _("admin")),
    ]

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=ROLES, default=Role.MEMBER.value)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "project"], name="one_membership_per_project")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None, user__is_active=True).filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        )


class ApiToken(models.Model):
    """A personal access token: `pat_` + 43 URL-safe characters (256 bits), kept only as its SHA-256."""

    SCHEME: ClassVar = "pat_"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=128)
    prefix = models.CharField(_("prefix"), max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, *, user: User, name: str, expires_at: datetime | None = None) -> tuple["ApiToken", str]:
        """Make a token; the secret in the answer is shown this once and cannot be had again."""
        secret = cls.SCHEME + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user, name=name, prefix=secret[:12], digest=cls.digest_of(secret), expires_at=expires_at
        )
        return token, secret


class EndedLogin(models.Model):
    """A log-in of an API client that was logged out: its tokens are refused although they have not expired."""

    login_id = models.CharField(max_length=32, unique=True)
    ended_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("ended log-in")
        verbose_name_plural = _("ended log-ins")

    def __str__(self) -> str:
        return self.login_id


class KnownAddress(models.Model):
    """Where a user has logged in from: there, failures that others cause elsewhere do not lock the user out."""

    KNOWN_FOR: ClassVar = timedelta(days=90)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_addresses")
    address = models.CharField(_("address"), max_length=64)
    last_login_at = models.DateTimeField(_("last log-in"), default=timezone.now)

    class Meta:
        verbose_name = _("known address")
        verbose_name_plural = _("known addresses")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "address"], name="address_known_once_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.address}"


class BrowserSession(models.Model):
    """Whose a session of the pages is. The key is that of Django's own row, which opens it: it is never shown."""

    session_key = models.CharField(max_length=40, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browser_sessions")
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    seen_at = models.DateTimeField(_("last used"), default=timezone.now, editable=False)
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    agent = models.CharField(_("browser"), max_length=256, blank=True, default="")

    class Meta:
        verbose_name = _("browser session")
        verbose_name_plural = _("browser sessions")

    def __str__(self) -> str:
        return f"{self.user} at {self.address}"
