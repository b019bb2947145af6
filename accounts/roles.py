"""What a member of a project may do: pure rules, shared by the API, the pages, the admin and the streams."""

from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"


class Right(StrEnum):
    VIEW = "view"  # list, detail, events, logs
    SUBMIT = "submit"  # create
    CONTROL_OWN = "control_own"  # stop, delete, terminal of one's own jobs
    CONTROL_ANY = "control_any"  # the same for everyone's jobs in the project


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.MEMBER: frozenset({Right.VIEW, Right.SUBMIT, Right.CONTROL_OWN}),
    Role.ADMIN: frozenset(Right),
}


def may(role: Role | None, right: Right) -> bool:
    """None is no member at all: no rights."""
    return role is not None and right in RIGHTS[role]


def may_control(role: Role | None, *, owns: bool) -> bool:
    return may(role, Right.CONTROL_ANY) or (owns and may(role, Right.CONTROL_OWN))
