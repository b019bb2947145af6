"""Why a job runs no more, or is about to."""

from django.utils.translation import gettext_lazy as _

from jobs.wording.words import Words

AGAIN = _("Submit again, or set retryPolicy so that the platform does.")
LONGER = _("Raise maxRunTimeSeconds, or continue from its last checkpoint.")
NODE = _("The machine was %(node)s.")

ON_THE_WAY: dict[str, Words] = {
    "Running": Words(_("Running.")),
    "Ending": Words(_("Ending: %(ended)s; the remaining pods are being stopped."), category="ending"),
    "StopRequested": Words(
        _("Stopping: %(user)s asked for it."), remedy=_("The command has %(grace)s s to end by itself.")
    ),
    "Completed": Words(_("The command ended with exit code 0.")),
    "StoppedByUser": Words(_("Stopped: %(user)s asked for it.")),
}

COMMAND: dict[str, Words] = {
    "CommandFailed": Words(
        _("The command ended with exit code %(exitCode)s in pod %(pod)s."),
        remedy=_("The end of the pod's log says why."),
        category="command",
    ),
    "CommandFailed.signal": Words(
        _("The command in pod %(pod)s was ended by signal %(signal)s (exit code %(exitCode)s)."),
        remedy=_("If nobody sent it, the program crashed: the end of the pod's log may say where."),
        category="command",
    ),
    "CommandFailed.start": Words(
        _("The command could not be started in pod %(pod)s."),
        remedy=_("Correct the command and submit again."),
        category="command",
    ),
    "CommandFailed.unknown": Words(
        _("Pod %(pod)s failed, and with which exit code is not known."),
        remedy=_("The end of the pod's log may say why."),
        category="command",
    ),
    "CommandFailed.storage": Words(
        _("Pod %(pod)s wrote more than its limit of %(limit)s and was ended."),
        details=(_("It did so in volume %(volume)s."),),
        remedy=_("Ask for more (resources.sharedMemory, or sizeLimit of a data source), or write less."),
        category="storage",
    ),
    "OutOfMemory": Words(
        _("Pod %(pod)s used more memory than its limit and was ended."),
        details=(_("Its limit is %(memoryLimit)s."),),
        remedy=_("Ask for more memory, or make the batch smaller."),
        category="memory",
    ),
    "TimedOut": Words(
        _("The job ran for its whole time limit of %(limit)s s and was ended."), remedy=LONGER, category="timeLimit"
    ),
    "TimedOut.cluster": Words(
        _("The cluster ended the job because its time limit had passed."), remedy=LONGER, category="timeLimit"
    ),
}

MACHINES: dict[str, Words] = {
    "NodeLost": Words(
        _("The machine that ran pod %(pod)s restarted or went away, and the pod with it."),
        details=(NODE,),
        remedy=AGAIN,
        category="node",
    ),
    **{
        f"Preempted.{variant}" if variant else "Preempted": Words(
            summary, details=(NODE,), remedy=AGAIN, category="preemption"
        )
        for variant, summary in [
            ("", _("Pod %(pod)s was evicted from its machine.")),
            ("priority", _("Pod %(pod)s had to make room for one of higher priority.")),
            ("drain", _("Pod %(pod)s was evicted on request, as when its machine is emptied for maintenance.")),
            ("taint", _("Pod %(pod)s was evicted because its machine was closed to it by a taint.")),
            ("kubelet", _("The machine ended pod %(pod)s to protect itself or because it shut down.")),
            ("pressure", _("The machine of pod %(pod)s ran short of %(resource)s and ended the pod.")),
            ("refused", _("The machine did not take pod %(pod)s after all, though it had been given to it.")),
            ("kueue", _("Kueue took the job's place back for other work.")),
        ]
    },
}

LOST: dict[str, Words] = {
    "Lost": Words(
        _("The job's processes are gone and nothing says how they ended."),
        details=(NODE,),
        remedy=AGAIN,
        category="lost",
    ),
    "Lost.gone": Words(
        _("The job was deleted from its pool by somebody other than the platform, and nothing says how it ended."),
        remedy=AGAIN,
        category="lost",
    ),
    "Lost.partly": Words(
        _("The job was deleted from its pool by somebody other than the platform."),
        details=(_("Of its %(pods)s pods %(over)s are known to have ended, with exit codes %(detail)s."),),
        remedy=AGAIN,
        category="lost",
        quote="",
    ),
    "Lost.deleted": Words(
        _("Pod %(pod)s was deleted by somebody other than the platform."),
        details=(NODE,),
        remedy=AGAIN,
        category="lost",
    ),
    "Lost.unseen": Words(
        _("A pod of the job failed and was gone before the platform saw how it ended."), remedy=AGAIN, category="lost"
    ),
}

ENDS = {**ON_THE_WAY, **COMMAND, **MACHINES, **LOST}
