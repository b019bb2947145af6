"""What the OpenAPI document says of a call, written beside the method that answers it. Kept apart from the document's
generator, which is only imported when somebody asks for the document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rest_framework.serializers import BaseSerializer

Method = TypeVar("Method", bound=Callable[..., Any])
ATTRIBUTE = "operation"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    description: str
    schema: Mapping[str, Any]
    location: str = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """`errors` are the codes that this call can answer besides those that every call can. `body` and `data` are the
    shapes of the request and of the answer's `data`; `message` is whether the answer carries one; `text` whether it may
    also be plain text; `files` the media types of an answer that is a file, without an envelope."""

    id: str
    tag: str
    summary: str
    body: type[BaseSerializer[Any]] | None = None
    data: type[BaseSerializer[Any]] | None = None
    message: bool = False
    status: int = 200
    errors: Sequence[str] = ()
    parameters: Sequence[Parameter] = ()
    public: bool = False
    text: bool = False
    files: Sequence[str] = ()
    example: Mapping[str, Any] | None = None  # of the body
    dry_run: type[BaseSerializer[Any]] | None = None  # `data` of the answer, 200, when nothing is done but checked


def documented(operation: Operation) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        setattr(method, ATTRIBUTE, operation)
        return method

    return mark
