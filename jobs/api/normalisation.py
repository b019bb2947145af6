"""A checked create body becomes the job's config: what the detail shows, what a retry and a clone run.

It has the fields that were given, in the order of the contract, and the defaults that change how the job runs:
`priority`, `replicas`. Everything else that was left out stays out, so that a body and its echo read alike. `dryRun` is
not part of the job. A secret's value leaves the config; what stays is that there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Normalised:
    config: dict[str, Any]
    secrets: dict[str, str]
    dry_run: bool


def normalise(body: Mapping[str, Any]) -> Normalised:
    """`body` is CreateBody's reading of the request."""
    envs = body.get("envs", [])
    config = {**body, "priority": body.get("priority", "normal"), "replicas": body.get("replicas", 1)}
    dry_run = bool(config.pop("dryRun", False))
    if "envs" in body:
        config["envs"] = [masked(env) for env in envs]
    if "retryPolicy" in body:
        config["retryPolicy"] = retry_policy(body["retryPolicy"])
    secrets = {env["name"]: env.get("value", "") for env in envs if env.get("secret")}
    return Normalised(config, secrets, dry_run)


def masked(env: Mapping[str, Any]) -> dict[str, Any]:
    if env.get("secret"):
        return {"name": env["name"], "secret": True}
    return {"name": env["name"], "value": env.get("value", "")}


def retry_policy(given: Mapping[str, Any]) -> dict[str, Any]:
    """`on` without repeats; left out it means every reason that can be retried."""
    policy: dict[str, Any] = {"maxRetries": given.get("maxRetries", 0)}
    if given.get("on"):
        policy["on"] = list(dict.fromkeys(given["on"]))
    return policy
