"""What the services refuse, and how the API says so.

PlatformError                         code                  HTTP
├── ValidationFailed                  VALIDATION_ERROR      400
├── PermissionDenied                  PERMISSION_DENIED     403
├── NotFound
│   ├── JobNotFound                   JOB_NOT_FOUND         404
│   ├── PodNotFound                   POD_NOT_FOUND         404
│   ├── PoolNotFound                  POOL_NOT_FOUND        404
│   ├── QueueNotFound                 QUEUE_NOT_FOUND       404
│   ├── ProjectNotFound               PROJECT_NOT_FOUND     404
│   ├── TerminalSessionNotFound       TERMINAL_SESSION_NOT_FOUND  404
│   ├── RecordingNotFound             RECORDING_NOT_FOUND   404
│   └── TemplateNotFound              TEMPLATE_NOT_FOUND    404
├── JobNotActive                      JOB_NOT_ACTIVE        409
├── JobStillActive                  JOB_STILL_ACTIVE      409
├── PodNotRunning                     POD_NOT_RUNNING       409
├── IdempotencyMismatch               IDEMPOTENCY_MISMATCH  409
├── TemplateExists                    TEMPLATE_EXISTS       409
├── PoolUnavailable                   POOL_UNAVAILABLE      503
└── LogsAway (an OSError too)         LOGS_UNAVAILABLE      503
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PlatformError(Exception):
    """`text` is a translatable sentence with %(name)s places, filled from `params`: what happened, why, what next."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    text: ClassVar[str | Promise] = _("The platform could not do this.")

    def __init__(self, text: str | Promise | None = None, **params: Any) -> None:
        self.params = params
        self.sentence: str | Promise = text if text is not None else self.text
        super().__init__(self.code)

    @property
    def message(self) -> str:
        """In the language active now."""
        return str(self.sentence) % self.params if self.params else str(self.sentence)

    @property
    def details(self) -> Any:
        return None

    def __str__(self) -> str:
        return self.message


class ValidationFailed(PlatformError):
    """`errors`: field path such as `envs[0].name` to its messages."""

    code = "VALIDATION_ERROR"
    status = 400
    text = _("The request has errors: see details, then send it again.")

    def __init__(self, errors: Mapping[str, Sequence[str | Promise]]) -> None:
        super().__init__()
        self.errors = errors

    @property
    def details(self) -> dict[str, list[str]]:
        return {field: [str(message) for message in messages] for field, messages in self.errors.items()}


class PermissionDenied(PlatformError):
    code = "PERMISSION_DENIED"
    status = 403
    text = _("Your role in this project does not allow this. Ask an admin of the project for a higher role.")


class NotFound(PlatformError):
    status = 404


class JobNotFound(NotFound):
    code = "JOB_NOT_FOUND"
    text = _("There is no such training job, or it was deleted, or it belongs to a project you are not in.")


class PodNotFound(NotFound):
    code = "POD_NOT_FOUND"
    text = _("This training job has no such pod. Its pods are listed in the job's detail.")


class PoolNotFound(NotFound):
    code = "POOL_NOT_FOUND"
    text = _("There is no such resource pool. GET /api/resource-pools lists them.")


class QueueNotFound(NotFound):
    code = "QUEUE_NOT_FOUND"
    text = _("The resource pool has no such queue. GET /api/resource-pools/{id}/queues lists them.")


class ProjectNotFound(NotFound):
    code = "PROJECT_NOT_FOUND"
    text = _("There is no such project, or you are not in it.")


class RecordingNotFound(NotFound):
    code = "RECORDING_NOT_FOUND"
    text = _("There is no such terminal recording of this job, or the time it is kept for is over.")


class TerminalSessionNotFound(NotFound):
    code = "TERMINAL_SESSION_NOT_FOUND"
    text = _("There is no such terminal here, or it has ended. Open a new one.")


class TemplateNotFound(NotFound):
    code = "TEMPLATE_NOT_FOUND"
    text = _("There is no such template, or it was deleted, or it belongs to a project you are not in.")


class JobNotActive(PlatformError):
    code = "JOB_NOT_ACTIVE"
    status = 409
    text = _("The training job has already ended as %(status)s, so there is nothing to stop.")


class JobStillActive(PlatformError):
    code = "JOB_STILL_ACTIVE"
    status = 409
    text = _("The training job is %(status)s. Stop it first, or wait for its end, and then run it again.")


class PodNotRunning(PlatformError):
    code = "POD_NOT_RUNNING"
    status = 409
    text = _("The pod is not running, so no terminal can be opened in it.")


class IdempotencyMismatch(PlatformError):
    code = "IDEMPOTENCY_MISMATCH"
    status = 409
    text = _("This Idempotency-Key was used for a different request. Use a new key for a new training job.")


class TemplateExists(PlatformError):
    code = "TEMPLATE_EXISTS"
    status = 409
    text = _("The project has a template of this name already: %(name)s. Choose another name, or change that one.")


class PoolUnavailable(PlatformError):
    code = "POOL_UNAVAILABLE"
    status = 503
    text = _("The resource pool cannot be reached right now. The training job is not affected; try again shortly.")


class LogsAway(PlatformError, OSError):
    """A log that is kept in the object storage cannot be read now. To whoever reads files it is one that failed."""

    code = "LOGS_UNAVAILABLE"
    status = 503
    text = _(
        "This log is kept in the object storage, which does not answer right now. Nothing is lost; try again shortly."
    )
