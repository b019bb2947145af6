"""The OpenAPI document: drf-spectacular fed from the Operation beside each method, every answer in its envelope."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from jobs_platform.api.operations import ATTRIBUTE, Operation

# What every call with credentials can answer, and which status each code has.
COMMON = ("NOT_AUTHENTICATED", "TOKEN_EXPIRED")
CODES = {
    "VALIDATION_ERROR": 400, "NOT_AUTHENTICATED": 401, "TOKEN_EXPIRED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "JOB_NOT_FOUND": 404, "POD_NOT_FOUND": 404, "POOL_NOT_FOUND": 404, "QUEUE_NOT_FOUND": 404,
    "PROJECT_NOT_FOUND": 404, "RECORDING_NOT_FOUND": 404, "TEMPLATE_NOT_FOUND": 404, "TEMPLATE_EXISTS": 409,
    "TERMINAL_SESSION_NOT_FOUND": 404, "JOB_NOT_ACTIVE": 409,
    "POD_NOT_RUNNING": 409, "IDEMPOTENCY_MISMATCH": 409, "BODY_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415,
    "THROTTLED": 429, "POOL_UNAVAILABLE": 503, "LOGS_UNAVAILABLE": 503,
}  # fmt: skip
WITH_BODY = ("BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")


class EnvelopeSchema(AutoSchema):  # type: ignore[misc]  # drf-spectacular is not checked
    @property
    def documented(self) -> Operation:
        """Raises AttributeError for a method without @documented: every call is in the document."""
        action = getattr(self.view, "action", None) or self.method.lower()
        operation: Operation = getattr(getattr(self.view, action), ATTRIBUTE)
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Lists are wrapped like everything else."""
        return False

    def get_operation_id(self) -> str:
        return self.documented.id

    def get_summary(self) -> str:
        return self.documented.summary

    def get_description(self) -> str:
        return ""

    def get_tags(self) -> list[str]:
        return [self.documented.tag]

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [] if self.documented.public else [{"bearer": []}, {"session": []}]

    def get_override_parameters(self) -> list[OpenApiParameter]:
        return [
            OpenApiParameter(one.name, dict(one.schema), one.location, description=one.description)
            for one in self.documented.parameters
        ]

    def get_request_serializer(self) -> Any:
        return self.documented.body

    def get_examples(self) -> list[OpenApiExample]:
        example = self.documented.example
        return [OpenApiExample("body", value=dict(example), request_only=True)] if example else []

    def get_response_serializers(self) -> Any:
        operation = self.documented
        answers: dict[Any, Any] = {
            (operation.status, media): OpenApiResponse({"type": "string", "format": "binary"})
            for media in operation.files
        } or {(operation.status, "application/json"): self.success(operation.data, message=operation.message)}
        if operation.dry_run:
            answers[200, "application/json"] = self.success(operation.dry_run, message=False)
        if operation.text:
            answers |= {
                (200, media): OpenApiResponse({"type": "string"}) for media in ("text/plain", "text/event-stream")
            }
        return answers | self.errors(operation)

    def success(self, data: Any, *, message: bool) -> OpenApiResponse:
        properties: dict[str, Any] = {"success": {"type": "boolean", "const": True}}
        if data is not None:
            properties["data"] = self.resolve_serializer(data, "response").ref
        if message:
            properties["message"] = {"type": "string"}
        return OpenApiResponse(envelope(properties, list(properties)), description="Done")

    def errors(self, operation: Operation) -> dict[int, OpenApiResponse]:
        codes = [*operation.errors, *(() if operation.public and operation.body is None else COMMON)]
        codes += WITH_BODY if operation.body else ()
        by_status: dict[int, list[str]] = {}
        for code in codes:
            by_status.setdefault(CODES[code], []).append(code)
        return {
            status: OpenApiResponse(failure(names), description=", ".join(names)) for status, names in by_status.items()
        }


def envelope(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def failure(codes: list[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "success": {"type": "boolean", "const": False},
        "code": {"type": "string", "enum": codes},
        "message": {"type": "string", "description": "What happened, why, what to do next."},
        "details": {
            "type": "object",
            "description": "Field path to messages.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "requestId": {"type": "string"},
    }
    return envelope(properties, ["success", "code", "message", "requestId"])


def finish(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """POSTPROCESSING_HOOKS: paths as the contract writes them, and the two ways to say who one is."""
    result["paths"] = {path.rstrip("/"): calls for path, calls in result["paths"].items()}
    schemes = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token from POST /api/auth/token, or a personal access token (pat_…).",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The pages' log-in."},
    }
    result.setdefault("components", {})["securitySchemes"] = schemes
    return result
