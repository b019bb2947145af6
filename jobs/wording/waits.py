"""Why a job does not run yet: of its queue, of its pool, of its cluster (jobs.cluster.diagnosis)."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs.wording.words import PATIENCE, Counted, Words

SOONER = _("It starts when running jobs end; ask for less to start sooner.")
OPERATORS_OR_LESS = _("It starts when running jobs end or machines are added; ask for less to start sooner.")
ASK_OPERATORS = _("Ask the pool's operators.")
PLACES = (
    _("Machines without the labels that the job or its pool asks for: %(mismatched)s."),
    _("Machines reserved by taints: %(tainted)s (%(taints)s)."),
    _("Machines closed to new pods: %(cordoned)s."),
    _("Machines that do not reach the job's volumes: %(volumes)s."),
    _("Machines that are full of pods: %(crowded)s."),
)
SHARE = _("Replicas that do not run yet: %(waiting)s of %(replicas)s.")

QUEUE: dict[str, Words] = {
    "Submitted": Words(_("Accepted; the platform looks at it next."), category="queue"),
    "Waiting": Words(_("Waiting for its place in the queue."), category="queue"),
    "Waiting.cpu": Words(
        _("Waiting: the pool has %(free)s of %(total)s CPUs free, the job asks for %(asked)s."),
        remedy=SOONER,
        category="capacity",
    ),
    "Waiting.memory": Words(
        _("Waiting: the pool has %(free)s of %(total)s memory free, the job asks for %(asked)s."),
        remedy=SOONER,
        category="capacity",
    ),
    "Waiting.gpu": Words(
        _("Waiting: the pool has %(free)s of %(total)s GPUs free, the job asks for %(asked)s."),
        remedy=SOONER,
        category="capacity",
    ),
    "Waiting.queue": Words(
        Counted(
            "limit",
            lambda limit: ngettext(
                "Waiting: queue %(queue)s runs at most %(limit)s job at once and runs %(running)s.",
                "Waiting: queue %(queue)s runs at most %(limit)s jobs at once and runs %(running)s.",
                limit,
            ),
        ),
        remedy=_("It starts when one of them ends; another queue may be free now."),
        category="queue",
    ),
    "Waiting.behind": Words(
        Counted(
            "ahead",
            lambda ahead: ngettext(
                "Waiting behind %(ahead)s job that came first or has a higher priority.",
                "Waiting behind %(ahead)s jobs that came first or have a higher priority.",
                ahead,
            ),
        ),
        category="queue",
    ),
    "Waiting.draining": Words(
        _("Waiting: pool %(pool)s is being drained and starts no jobs."),
        remedy=_("Ask its operators for how long."),
        category="pool",
    ),
    "Waiting.disabled": Words(
        _("Waiting: pool %(pool)s is switched off."),
        remedy=_("Choose another pool or ask its operators."),
        category="pool",
    ),
    "Retrying": Words(
        _("Attempt %(attempt)s ended (%(ended)s); attempt %(next)s of at most %(most)s follows shortly."),
        category="retry",
    ),
    "PoolUnavailable": Words(
        _("The resource pool does not answer."),
        remedy=_("The job is not affected; the platform keeps trying."),
        category="pool",
        quote="error",
    ),
    "PoolUnavailable.frozen": Words(
        _("Too many jobs of the resource pool seem to be gone at once, so its view of the cluster is not believed."),
        remedy=_("Nothing is declared lost until it shows them again, or an operator accepts the loss."),
        category="pool",
        quote="error",
    ),
}

PREPARING: dict[str, Words] = {
    "Starting": Words(_("Starting: the pool is preparing the pods."), details=(SHARE,), category="preparing"),
    "Starting.preparing": Words(
        _("Starting: machine %(node)s prepares the container."), details=(SHARE,), category="preparing"
    ),
    "Starting.pulling": Words(_("Starting: machine %(node)s pulls the image."), details=(SHARE,), category="preparing"),
}

MACHINES: dict[str, Words] = {
    "Unschedulable": Words(
        _("Waiting for a machine: the cluster has found none for the job."),
        details=(*PLACES, SHARE),
        remedy=ASK_OPERATORS,
        category="placement",
    ),
    "Unschedulable.resource": Words(
        _("Waiting for a machine: none of the pool's %(nodes)s has enough free %(resource)s."),
        details=(
            _("A replica asks for %(asked)s."),
            _("Machines with too little of it: %(lacking)s."),
            *PLACES,
            SHARE,
        ),
        remedy=OPERATORS_OR_LESS,
        category="capacity",
    ),
    "Unschedulable.labels": Words(
        _("Waiting for a machine: none of the pool's %(nodes)s has the labels that the job or its pool asks for."),
        details=(*PLACES, SHARE),
        remedy=_("Check resources.gpuType, or ask the pool's operators."),
        category="placement",
    ),
    "Unschedulable.taint": Words(
        _("Waiting for a machine: those of the pool are reserved by taints that the job does not tolerate."),
        details=(*PLACES, SHARE),
        remedy=_("Ask the pool's operators: tolerations are set in the pool's options."),
        category="placement",
    ),
    "Unschedulable.cordoned": Words(
        _("Waiting for a machine: those of the pool are closed to new pods."),
        details=(*PLACES, SHARE),
        remedy=_("Ask the pool's operators for how long."),
        category="placement",
    ),
    "Unschedulable.volumes": Words(
        _("Waiting for a machine: none of the pool's %(nodes)s reaches the job's volumes."),
        details=(*PLACES, SHARE),
        remedy=_("Check the job's dataSources, or ask the pool's operators."),
        category="volume",
    ),
    "Unschedulable.pods": Words(
        _("Waiting for a machine: those of the pool are full of pods."),
        details=(*PLACES, SHARE),
        remedy=OPERATORS_OR_LESS,
        category="capacity",
    ),
    "Unschedulable.none": Words(
        _("Waiting for a machine: the pool has none at the moment."), remedy=ASK_OPERATORS, category="capacity"
    ),
}

VOLUMES: dict[str, Words] = {
    "VolumeUnavailable": Words(
        _("A volume of the job is not available."), details=(SHARE,), remedy=ASK_OPERATORS, category="volume"
    ),
    "VolumeUnavailable.missing": Words(
        _("Volume claim %(claim)s does not exist in the pool."),
        details=(PATIENCE,),
        remedy=_("Correct its name in dataSources, or have it created."),
        category="volume",
    ),
    "VolumeUnavailable.unbound": Words(
        _("Waiting for storage: a volume claim of the job has no volume yet."),
        remedy=_("The cluster may be making it; if this lasts, ask the pool's operators."),
        category="volume",
    ),
    "VolumeUnavailable.mount": Words(
        _("Volume %(volume)s cannot be mounted."),
        details=(SHARE,),
        remedy=_("Check the job's dataSources; the cluster keeps trying."),
        category="volume",
    ),
    "VolumeUnavailable.elsewhere": Words(
        _("Volume %(volume)s is still in use on another machine."),
        details=(SHARE,),
        remedy=_("It is mounted when the pod there has ended."),
        category="volume",
    ),
}
KUEUE: dict[str, Words] = {
    "KueueWaiting": Words(
        _("Waiting in Kueue queue %(queue)s."), remedy=_("It starts when Kueue admits it."), category="admission"
    ),
    "KueueWaiting.short": Words(
        _("Waiting in Kueue queue %(queue)s: its quota has too little free %(resource)s."),
        details=(_("It lacks %(missing)s."), _("The quota is that of flavor %(flavor)s.")),
        remedy=OPERATORS_OR_LESS,
        category="quota",
    ),
    "KueueWaiting.most": Words(
        _("Waiting in Kueue queue %(queue)s: the job asks for more than the queue may ever have."),
        details=(_("The resource is %(resource)s."), _("The quota is that of flavor %(flavor)s.")),
        remedy=_("Stop it and ask for less, or ask the pool's operators for more quota."),
        category="quota",
    ),
    "KueueWaiting.queue": Words(
        _("Waiting: Kueue queue %(queue)s does not exist or takes no jobs at the moment."),
        remedy=ASK_OPERATORS,
        category="admission",
    ),
    "KueueWaiting.checks": Words(
        _("Waiting in Kueue queue %(queue)s: quota is reserved, its admission checks are not through yet."),
        remedy=_("It starts when Kueue admits it."),
        category="admission",
    ),
    "KueueWaiting.evicted": Words(
        _("Waiting in Kueue queue %(queue)s: Kueue took the job's place back."),
        remedy=_("It starts again when Kueue admits it again."),
        category="admission",
    ),
    "KueueWaiting.unseen": Words(
        _("Waiting for Kueue to notice the job in queue %(queue)s."),
        remedy=_("If this lasts, ask the pool's operators whether Kueue runs and whether the queue exists."),
        category="admission",
    ),
}

WAITS = {**QUEUE, **PREPARING, **MACHINES, **VOLUMES, **KUEUE}
