"""Rows as the API shows them. The contract's own fields come first in every object."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from jobs.api.items import Item
from jobs.evidence import explanation_of
from jobs.models import Event, Job, Pod, Priority, Queue, ResourcePool
from jobs.reconcile.admission import Held
from jobs.reconcile.outlook import Outlook
from jobs.wording import event_message, is_trouble, sentence_for
from jobs_platform.api.envelope import show_time

PRIORITIES = {priority.value: str(priority.label) for priority in Priority}


def show_item(item: Item, now: datetime) -> dict[str, Any]:
    job = item.job
    return {
        "jobId": job.public_id,
        "jobName": job.name,
        "status": job.status,
        "createdAt": show_time(job.created_at),
        "statusReason": job.status_reason,
        "resourcePoolId": item.pool,
        "queue": item.queue,
        "owner": item.owner,
        "projectId": item.project,
        **size(job),
        "readyPods": item.ready_pods,
        "totalPods": job.replicas,
        **times(job, now),
    }


def show_detail(job: Job, pods: Iterable[Pod], now: datetime) -> dict[str, Any]:
    pods = list(pods)
    current = [pod for pod in pods if pod.attempt.number == job.attempt_number]
    told = explanation_of(job)
    return {
        "jobId": job.public_id,
        "jobName": job.name,
        "status": job.status,
        "config": job.config,
        "createdAt": show_time(job.created_at),
        "statusReason": job.status_reason,
        "statusMessage": told.text,
        "diagnosis": asdict(told) if is_trouble(job.state, told) else None,
        "resourcePoolId": job.pool.name,
        "queue": job.queue.name,
        "owner": job.owner.username,
        "projectId": job.project.slug,
        **size(job),
        "pullsImage": job.pool.kind != ResourcePool.LOCAL,
        "readyPods": sum(pod.ready for pod in current),
        "totalPods": job.replicas,
        **times(job, now),
        "queuedAt": show_time(job.queued_at),
        "observedAt": show_time(job.confirmed_at),
        "pods": [show_pod(pod) for pod in pods],
    }


def size(job: Job) -> dict[str, Any]:
    return {"priority": priority_name(job.priority), "replicas": job.replicas}


def priority_name(value: int) -> str:
    return PRIORITIES.get(value, str(value))


def times(job: Job, now: datetime) -> dict[str, Any]:
    """`durationSeconds` to the millisecond."""
    duration = job.duration_seconds(now)
    return {
        "attempt": job.attempt_number,
        "startedAt": show_time(job.started_at),
        "finishedAt": show_time(job.finished_at),
        "durationSeconds": None if duration is None else round(duration, 3),
    }


def show_pod(pod: Pod) -> dict[str, Any]:
    return {
        "podName": pod.name,
        "attempt": pod.attempt.number,
        "replica": pod.replica,
        "phase": pod.phase,
        "ready": pod.ready,
        "node": pod.node,
        "exitCode": pod.exit_code,
        "reason": pod.reason,
        "message": pod.message,
        "startedAt": show_time(pod.started_at),
        "finishedAt": show_time(pod.finished_at),
        "observedAt": show_time(pod.observed_at),
    }


def show_event(event: Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "reason": event.reason,
        "message": event_message(event),
        "timestamp": show_time(event.last_at),
        "count": event.count,
        "firstTimestamp": show_time(event.first_at),
        "source": event.source,
        "podName": event.pod_name or None,
        "attempt": event.attempt,
    }


def show_outlook(job: Job, outlook: Outlook) -> dict[str, Any]:
    """`job` is unsaved: how it would fare if it were submitted now."""
    return {
        "fitsNow": outlook.held is None,
        "jobsAhead": outlook.ahead,
        "message": waiting(outlook.held, outlook.ahead) if outlook.held else fitting(job.pool),
    }


def waiting(held: Held, ahead: int) -> str:
    sentence = sentence_for(held.reason, held.params)
    if not ahead or held.params.get("variant") == "behind":
        return sentence
    return f"{sentence} {_('Jobs that wait before it: %(ahead)s.') % {'ahead': ahead}}"


def fitting(pool: ResourcePool) -> str:
    if pool.kind == ResourcePool.LOCAL:
        return _("Fits now: it would start at once.")
    return _("Fits now by the platform's count; the cluster places its pods.")


def show_pool(pool: ResourcePool) -> dict[str, Any]:
    """`capacity`: thousandths of a CPU, bytes, whole GPUs; null is "not known" or "no limit"."""
    return {
        "resourcePoolId": pool.name,
        "name": pool.display_name or pool.name,
        "kind": pool.kind,
        "isDefault": pool.is_default,
        "enabled": pool.enabled,
        "draining": pool.draining,
        "pullsImages": pool.kind != ResourcePool.LOCAL,
        "capacity": {"cpuMillis": pool.cpu_millis, "memoryBytes": pool.memory_bytes, "gpus": pool.gpus},
        "capacityAt": show_time(pool.capacity_at),
    }


def show_queue(queue: Queue) -> dict[str, Any]:
    return {
        "queue": queue.name,
        "priority": queue.priority,
        "maxRunningJobs": queue.max_running_jobs,
        "isDefault": queue.is_default,
        "enabled": queue.enabled,
    }
