"""Who may do what: bearer tokens, users and their rules in one namespace (Kubernetes: "Using RBAC Authorization")."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from tests.kube import errors
from tests.kube.requests_seen import Info


@dataclass(frozen=True, slots=True)
class Rule:
    """As of a Role; "*" is everything. A subresource is a resource of its own: `pods/exec`."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    def allows(self, verb: str, group: str, resource: str) -> bool:
        return within(group, self.groups) and within(resource, self.resources) and within(verb, self.verbs)


def within(value: str, values: tuple[str, ...]) -> bool:
    return "*" in values or value in values


EVERYTHING = Rule(("*",), ("*",), ("*",))


@dataclass(frozen=True, slots=True)
class User:
    """`denied`: verb and resource that are refused whatever the rules say, to take one permission away in a test."""

    name: str
    namespace: str
    rules: tuple[Rule, ...] = (EVERYTHING,)
    denied: frozenset[tuple[str, str]] = frozenset()
    cluster_wide: bool = False

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        if not self.cluster_wide and namespace != self.namespace:
            return False
        if (verb, resource) in self.denied:
            return False
        return any(rule.allows(verb, group, resource) for rule in self.rules)


class Users:
    """Bearer token → user."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.tokens: dict[str, User] = {}

    def add(
        self,
        account: str = "platform",
        *,
        rules: Iterable[Rule] = (EVERYTHING,),
        denied: Iterable[tuple[str, str]] = (),
        cluster_wide: bool = False,
    ) -> str:
        """A new token for a service account of the namespace."""
        name = f"system:serviceaccount:{self.namespace}:{account}"
        token = secrets.token_urlsafe(24)
        self.tokens[token] = User(name, self.namespace, tuple(rules), frozenset(denied), cluster_wide)
        return token

    def revoke(self, token: str) -> None:
        """As when it has expired."""
        del self.tokens[token]

    def of(self, authorization: str) -> User:
        """Raises 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise errors.unauthorized()
        return self.tokens[token]


def authorize(user: User, info: Info) -> None:
    """Raises 403. Paths of no resource are open, as to every authenticated user; so are reviews of one's own access.
    To exec needs create as well, whatever the method is, and that refusal comes without a reason."""
    if not info.resource or info.group == "authorization.k8s.io":
        return
    if not user.may(info.verb, info.group, info.full_resource, info.namespace):
        raise errors.forbidden(info.resource, info.name, refusal(user, info), info.group)
    if info.full_resource == "pods/exec" and not user.may("create", "", "pods/exec", info.namespace):
        raise errors.forbidden(info.resource, info.name, "")


def refusal(user: User, info: Info) -> str:
    scope = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    what = f'resource "{info.full_resource}" in API group "{info.group}"'
    return f'User "{user.name}" cannot {info.verb} {what} {scope}'
