"""From rows to what the rules and the cluster port take."""

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from jobs import quantities, secrets
from jobs.cluster.base import AttemptSnapshot, AttemptSpec, DataSource, ObjectRef, Resources
from jobs.cluster.diagnosis import Asked, Ending
from jobs.models import Attempt, Job, ResourcePool
from jobs.reconcile.decide import BUSY_SECONDS, HINTED_BUSY_SECONDS, STEADY_SECONDS, View
from jobs.services import grace_seconds
from jobs.states import Desired, EndReason, JobStatus

FRESH_SECONDS = 60.0  # a watch that proved itself so recently sends hints
NOTHING_ASKED = Asked()
HINTED_SECONDS = 120.0  # a running job is looked at so often where hints come


def ref_of(job: Job, attempt: Attempt) -> ObjectRef:
    return ObjectRef(job.public_id, attempt.number, attempt.cluster_uid)


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What a pass needs to know of its pool: read once for all its jobs."""

    fetches_logs: bool
    keep_seconds: float
    steady_seconds: float
    busy_seconds: float
    stuck_seconds: float
    gpu_resource: str
    kueue_queue: str

    @classmethod
    def of(cls, pool: ResourcePool, now: datetime) -> "PoolFacts":
        fresh = pool.watched_at is not None and (now - pool.watched_at).total_seconds() < FRESH_SECONDS
        # Jobs looked at together stay together; the passes spread.
        steady = HINTED_SECONDS * random.uniform(0.8, 1.2) if fresh else STEADY_SECONDS
        options = pool.options
        return cls(
            fetches_logs=pool.fetches_logs,
            keep_seconds=options.get("retentionSeconds", 0) if pool.fetches_logs else 0,
            steady_seconds=steady,
            busy_seconds=HINTED_BUSY_SECONDS if fresh else BUSY_SECONDS,
            stuck_seconds=options.get("imagePullSeconds") or settings.IMAGE_PULL_SECONDS,
            gpu_resource=options.get("gpuResource", Asked().gpu_resource),
            kueue_queue=options.get("kueueQueue", ""),
        )


def view_of(
    job: Job,
    attempt: Attempt | None,
    facts: PoolFacts,
    *,
    logs_stored: bool = True,
    recorded: AttemptSnapshot | None = None,
) -> View:
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
        stuck_since=attempt.stuck_since if attempt else None,
        launched_at=attempt.launched_at if attempt else None,
        started_at=attempt.started_at if attempt else None,
        finished_at=job.finished_at,
        max_run_seconds=job.config.get("maxRunTimeSeconds"),
        max_retries=policy.get("maxRetries", 0),
        retry_on=frozenset(policy.get("on", ())),
        stop_params={key: job.status_params[key] for key in ("user", "grace") if key in job.status_params},
        asked=asked_of(job, facts) if job.state is JobStatus.STARTING else NOTHING_ASKED,
        stuck_seconds=facts.stuck_seconds,
        recorded=recorded,
        fetches_logs=facts.fetches_logs,
        logs_stored=logs_stored,
        keep_seconds=keep_seconds(job, facts),
        steady_seconds=facts.steady_seconds,
        busy_seconds=facts.busy_seconds,
    )


def asked_of(job: Job, facts: PoolFacts) -> Asked:
    return Asked(resources_of(job), facts.gpu_resource, facts.kueue_queue, job.config.get("image", ""))


def keep_seconds(job: Job, facts: PoolFacts) -> float:
    """How long what is left of an attempt stays on the cluster. It stays nowhere that keeps no logs."""
    return float(job.config.get("retentionSeconds", facts.keep_seconds)) if facts.fetches_logs else 0.0


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
