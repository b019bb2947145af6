"""The platform's sentences: a stored reason and its parameters become text in the reader's language.

A sentence says what happened, why, and what to do next. Rows keep reason and parameters, never the text, so that
one row reads in every language.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from jobs.models import Event, Job

# Of a job. A reason may have variants, `Reason.variant`, chosen by params["variant"].
STATUS: dict[str, str | Promise] = {
    "Submitted": _("Accepted; the platform looks at it next."),
    "Waiting": _("Waiting for its place in the queue."),
    "Waiting.cpu": _(
        "Waiting: the pool has %(free)s of %(total)s CPUs free, the job asks for %(asked)s. "
        "It starts when running jobs end; ask for less to start sooner."
    ),
    "Waiting.memory": _(
        "Waiting: the pool has %(free)s of %(total)s memory free, the job asks for %(asked)s. "
        "It starts when running jobs end; ask for less to start sooner."
    ),
    "Waiting.gpu": _(
        "Waiting: the pool has %(free)s of %(total)s GPUs free, the job asks for %(asked)s. "
        "It starts when running jobs end; ask for less to start sooner."
    ),
    "Waiting.queue": _(
        "Waiting: queue %(queue)s runs at most %(limit)s jobs at once and runs %(running)s. "
        "It starts when one of them ends; another queue may be free now."
    ),
    "Waiting.behind": _("Waiting behind %(ahead)s jobs that came first or have a higher priority."),
    "Waiting.draining": _(
        "Waiting: pool %(pool)s is being drained and starts no jobs. Ask its operators for how long."
    ),
    "Waiting.disabled": _("Waiting: pool %(pool)s is switched off. Choose another pool or ask its operators."),
    "Retrying": _("Attempt %(attempt)s ended (%(ended)s); attempt %(next)s of at most %(most)s follows shortly."),
    "Starting": _("Starting: the pool is preparing the pods."),
    "PoolUnavailable": _(
        "The resource pool does not answer: %(error)s. The job is not affected; the platform keeps trying."
    ),
    "PoolUnavailable.frozen": _(
        "Too many jobs of the resource pool seem to be gone at once, so its view of the cluster is not believed. "
        "Nothing is declared lost until it shows them again, or an operator accepts the loss."
    ),
    "Running": _("Running."),
    "Ending": _("Ending: %(ended)s; the remaining pods are being stopped."),
    "StopRequested": _("Stopping: %(user)s asked for it. The command has %(grace)s s to end by itself."),
    "Completed": _("The command ended with exit code 0."),
    "CommandFailed": _(
        "The command ended with exit code %(exitCode)s in pod %(pod)s. The end of the pod's log says why."
    ),
    "CommandFailed.signal": _(
        "The command in pod %(pod)s was ended by signal %(signal)s (exit code %(exitCode)s). "
        "If nobody sent it, the program crashed: the end of the pod's log may say where."
    ),
    "CommandFailed.start": _("The command could not be started: %(detail)s. Correct the command and submit again."),
    "OutOfMemory": _(
        "Pod %(pod)s used more memory than its limit and was ended (%(detail)s). "
        "Ask for more memory, or make the batch smaller."
    ),
    "TimedOut": _(
        "The job ran for its whole time limit of %(limit)s s and was ended. Raise maxRunTimeSeconds, or continue "
        "from its last checkpoint."
    ),
    "ImageUnavailable": _("The image could not be pulled: %(detail)s. Check its name and the pull secret."),
    "Rejected": _("The resource pool refused the job: %(detail)s."),
    "NodeLost": _(
        "The machine that ran pod %(pod)s restarted or went away, and the pod with it (%(detail)s). "
        "Submit again, or set retryPolicy so that the platform does."
    ),
    "Preempted": _("Pod %(pod)s was evicted from its machine (%(detail)s). Submit again, or set retryPolicy."),
    "Lost": _(
        "The job's processes are gone and nothing says how they ended (%(detail)s). "
        "Submit again, or set retryPolicy so that the platform does."
    ),
    "Lost.gone": _(
        "The job was deleted from its pool by somebody other than the platform, and nothing says how it ended. "
        "Submit again, or set retryPolicy so that the platform does."
    ),
    "Lost.partly": _(
        "The job was deleted from its pool by somebody other than the platform. Of its %(pods)s pods %(over)s are "
        "known to have ended, with exit codes %(detail)s. Submit again, or set retryPolicy so that the platform does."
    ),
    "StoppedByUser": _("Stopped: %(user)s asked for it."),
}

EVENTS: dict[str, str | Promise] = {
    "Submitted": _("Submitted by %(user)s"),
    "Queued": _("Waiting in queue %(queue)s"),
    "Scheduled": _("Attempt %(attempt)s was given its place in the pool"),
    "Started": _("Container started"),
    "Running": _("All %(pods)s pods run"),
    "StopRequested": _("%(user)s asked to stop the job"),
    "DeleteRequested": _("%(user)s deleted the job"),
    "Retrying": _("Attempt %(attempt)s ended (%(ended)s); attempt %(next)s follows"),
    "PodSucceeded": _("Container ended with exit code 0"),
    "PodFailed": _("Container ended with exit code %(exitCode)s: %(detail)s"),
    "Ending": _("Stopping the remaining pods: %(ended)s"),
}


def fill(sentence: str | Promise, params: Mapping[str, Any]) -> str:
    """A missing parameter shows as an em dash: an old row must still be readable after a sentence has changed."""

    class Params(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return "—"

    text = " ".join((str(sentence) % Params(tidy(params))).split())
    return text.replace(" ()", "").replace("（）", "")


def tidy(params: Mapping[str, Any]) -> dict[str, Any]:
    """`detail` is somebody else's words in the middle of our sentence: without a full stop of its own."""
    return {name: str(value).rstrip(". ") if name == "detail" else value for name, value in params.items()}


def sentence_for(reason: str, params: Mapping[str, Any]) -> str:
    """Empty for an empty reason; the reason itself when there is no sentence for it."""
    found = STATUS.get(f"{reason}.{params.get('variant', '')}") or STATUS.get(reason)
    return fill(found, params) if found else reason


def status_message(job: "Job") -> str:
    return sentence_for(job.status_reason, job.status_params)


def event_message(event: "Event") -> str:
    """The cluster's own words where there are any, else the platform's in the active language."""
    if event.message:
        return event.message
    if found := EVENTS.get(event.reason):
        return fill(found, event.params)
    return sentence_for(event.params.get("ended", event.reason), event.params)
