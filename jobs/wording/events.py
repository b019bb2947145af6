"""What happened to a job, in the platform's words."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs.wording.words import Counted, Words

EVENTS: dict[str, Words] = {
    "Submitted": Words(_("Submitted by %(user)s")),
    "Queued": Words(_("Waiting in queue %(queue)s")),
    "Scheduled": Words(_("Attempt %(attempt)s was given its place in the pool")),
    "Started": Words(_("Container started")),
    "Running": Words(
        Counted("pods", lambda pods: ngettext("%(pods)s pod runs", "All %(pods)s pods run", pods)),
    ),
    "StopRequested": Words(_("%(user)s asked to stop the job")),
    "DeleteRequested": Words(_("%(user)s deleted the job")),
    "Retrying": Words(_("Attempt %(attempt)s ended (%(ended)s); attempt %(next)s follows")),
    "PodSucceeded": Words(_("Container ended with exit code 0")),
    "PodFailed": Words(
        _("Container failed."), details=(_("Its exit code is %(exitCode)s."), _("It was ended by signal %(signal)s."))
    ),
    "Ending": Words(_("Stopping the remaining pods: %(ended)s")),
}
