"""From rows to what the rules and the cluster port take."""

import hashlib
import json
from typing import Any

from jobs import quantities, secrets
from jobs.cluster.base import AttemptSpec, DataSource, ObjectRef, Resources
from jobs.cluster.diagnosis import Ending
from jobs.models import Attempt, Job
from jobs.reconcile.decide import View
from jobs.services import grace_seconds
from jobs.states import Desired, EndReason


def ref_of(job: Job, attempt: Attempt) -> ObjectRef:
    return ObjectRef(job.public_id, attempt.number, attempt.cluster_uid)


def view_of(job: Job, attempt: Attempt | None) -> View:
    policy = job.config.get("retryPolicy", {})
    return View(
        status=job.state,
        desired=Desired(job.desired),
        attempt=attempt.number if attempt else 0,
        launched=bool(attempt and attempt.launched_at),
        ending=Ending(EndReason(attempt.ending_reason), attempt.ending_params)
        if attempt and attempt.ending_reason
        else None,
        absent_since=attempt.absent_since if attempt else None,
        started_at=attempt.started_at if attempt else None,
        max_run_seconds=job.config.get("maxRunTimeSeconds"),
        max_retries=policy.get("maxRetries", 0),
        retry_on=frozenset(policy.get("on", ())),
        stop_params={key: job.status_params[key] for key in ("user", "grace") if key in job.status_params},
    )


def attempt_spec(job: Job, attempt: Attempt) -> AttemptSpec:
    """Raises cryptography.fernet.InvalidToken when the job's secrets were sealed under another SECRET_KEY."""
    config = job.config
    hidden = secrets.unseal(job.secret_envs)
    return AttemptSpec(
        ref=ref_of(job, attempt),
        image=config["image"],
        command=tuple(config["command"]),
        args=tuple(config.get("args", ())),
        envs=tuple((env["name"], env["value"]) for env in config.get("envs", ()) if not env.get("secret")),
        secret_envs=tuple(hidden.items()),
        working_dir=config.get("workingDir", ""),
        replicas=job.replicas,
        resources=resources_of(job),
        data_sources=tuple(data_source(source) for source in config.get("dataSources", ())),
        grace_seconds=grace_seconds(job),
        image_pull_secret=config.get("imagePullSecret", ""),
        queue=config.get("queue", ""),
        spec_hash=spec_hash(job),
        max_run_seconds=config.get("maxRunTimeSeconds"),
    )


def resources_of(job: Job) -> Resources:
    asked = job.config.get("resources", {})
    shared = asked.get("sharedMemory")
    return Resources(
        cpu_millis=job.cpu_millis,
        memory_bytes=job.memory_bytes,
        gpus=job.gpus,
        gpu_type=asked.get("gpuType", ""),
        shared_memory_bytes=quantities.memory_bytes(shared) if shared else 0,
    )


def data_source(source: dict[str, Any]) -> DataSource:
    limit = source.get("sizeLimit")
    return DataSource(
        type=source["type"],
        name=source.get("name", ""),
        source_path=source.get("sourcePath", ""),
        mount_path=source["mountPath"],
        read_only=source.get("readOnly", False),
        size_limit_bytes=quantities.memory_bytes(limit) if limit else 0,
    )


def spec_hash(job: Job) -> str:
    """Over what the job asked for: equal for every try at creating one attempt, whoever makes it."""
    return hashlib.sha256(json.dumps(job.config, sort_keys=True).encode()).hexdigest()
