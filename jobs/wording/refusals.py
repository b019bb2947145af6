"""What the cluster refuses, while it may still be mended and after the job was given up for it: the same sentences."""

from django.utils.translation import gettext_lazy as _

from jobs.wording.words import PATIENCE, Words

CHECK_NAME = _("Check the image's name and tag.")
TELL_OPERATORS = _("Tell the pool's operators.")

IMAGES: dict[str, Words] = {
    variant: Words(summary, details=(_("The image is %(image)s."), PATIENCE), remedy=remedy, category="image")
    for variant, summary, remedy in [
        ("", _("The image could not be pulled."), _("Check its name and the pull secret.")),
        ("notFound", _("The image does not exist in its registry."), CHECK_NAME),
        (
            "credentials",
            _("The registry does not hand out the image: credentials are missing or wrong."),
            _("Name an imagePullSecret that may read the image, or ask the pool's operators for one."),
        ),
        (
            "either",
            _("The registry does not hand out the image: it does not exist, or it needs credentials."),
            _("Check the image's name and tag; for a private image name an imagePullSecret that may read it."),
        ),
        (
            "unreachable",
            _("The image's registry could not be reached."),
            _("Check the registry in the image's name; ask the pool's operators whether the machines reach it."),
        ),
        (
            "certificate",
            _("The machines of the pool do not trust the certificate of the image's registry."),
            _("Check the registry in the image's name, or ask the pool's operators to trust it."),
        ),
        (
            "limited",
            _("The image's registry refuses further pulls for now: its rate limit is reached."),
            _("Submit again later, or name an imagePullSecret of an account with a higher limit."),
        ),
        (
            "platform",
            _("The image was not built for the kind of processor that the machine has."),
            _("Build the image for it, or choose another pool."),
        ),
        ("space", _("The machine has no room left for the image."), _("Use a smaller image, or tell the operators.")),
        ("signature", _("The image's signature is not accepted."), _("Use a signed image, or ask the operators.")),
        ("invalid", _("The image's name is not a valid one."), _("Correct the image's name and submit again.")),
        (
            "never",
            _("The image is not on the machine, and the pool does not pull images."),
            _("Ask the pool's operators which images there are."),
        ),
    ]
}

CONFIGURATION: dict[str, Words] = {
    "secret": Words(
        _("Secret %(name)s does not exist in the pool, so the container cannot start."),
        details=(PATIENCE,),
        remedy=_("Correct its name, or have it created."),
        category="configuration",
    ),
    "configmap": Words(
        _("ConfigMap %(name)s does not exist in the pool, so the container cannot start."),
        details=(PATIENCE,),
        remedy=_("Correct its name, or have it created."),
        category="configuration",
    ),
    "key": Words(
        _("Key %(key)s is missing from what the container is configured by, so it cannot start."),
        details=(_("It is looked for in %(name)s."), PATIENCE),
        remedy=_("Correct its name, or have it added."),
        category="configuration",
    ),
    "root": Words(
        _("The image runs as root, which the pool does not allow."),
        details=(PATIENCE,),
        remedy=_("Use an image with another user, or ask the pool's operators to set one in the pool's options."),
        category="configuration",
    ),
    "container": Words(
        _("The container cannot be created."),
        details=(PATIENCE,),
        remedy=_("Correct what the cluster names, or ask the pool's operators."),
        category="configuration",
    ),
}

CLAIM: dict[str, Words] = {
    "missing": Words(
        _("Volume claim %(claim)s does not exist in the pool."),
        details=(PATIENCE,),
        remedy=_("Correct its name in dataSources, or have it created."),
        category="volume",
    ),
}

QUOTA: dict[str, Words] = {
    "": Words(
        _("Waiting for quota: %(quota)s allows %(limit)s of %(resource)s in all, %(used)s are in use."),
        details=(_("A replica asks for %(asked)s."),),
        remedy=_("It starts when running jobs end; ask for less to start sooner."),
        category="quota",
    ),
    "never": Words(
        _("Quota %(quota)s never allows it: %(limit)s of %(resource)s in all, a replica asks for %(asked)s."),
        details=(PATIENCE,),
        remedy=_("Ask for less, or ask the pool's operators for more quota."),
        category="quota",
    ),
}

POLICY: dict[str, Words] = {
    "": Words(
        _("The cluster does not accept the job's pods."),
        remedy=_("The cluster keeps trying; if this lasts, ask the pool's operators."),
        category="policy",
    ),
    "webhookDown": Words(
        _("The cluster cannot check the job's pods at the moment, so it does not accept them."),
        remedy=_("The cluster keeps trying; if this lasts, tell the pool's operators."),
        category="policy",
    ),
    "podSecurity": Words(
        _("The pool's namespace does not accept the job's pods: they do not fit pod security level %(level)s."),
        details=(PATIENCE,),
        remedy=_("Tell the pool's operators: the pool's option podSecurity must fit its namespace."),
        category="policy",
    ),
    "quotaNeeds": Words(
        _("Quota %(quota)s requires that the job states its %(resource)s."),
        details=(PATIENCE,),
        remedy=_("Set it in resources and submit again."),
        category="quota",
    ),
    "range": Words(
        _("The pool's namespace allows a container %(limit)s of %(resource)s, the job asks for %(asked)s."),
        details=(PATIENCE,),
        remedy=_("Change it in resources and submit again."),
        category="quota",
    ),
    "webhook": Words(
        _("A policy of the cluster, %(webhook)s, refuses the job's pods."),
        details=(PATIENCE,),
        remedy=_("Correct what it names and submit again, or ask the pool's operators."),
        category="policy",
    ),
    "account": Words(
        _("Service account %(account)s does not exist in the pool's namespace."),
        details=(PATIENCE,),
        remedy=TELL_OPERATORS,
        category="policy",
    ),
    "priority": Words(
        _("Priority class %(name)s does not exist in the cluster."),
        details=(PATIENCE,),
        remedy=TELL_OPERATORS,
        category="policy",
    ),
}


def of(reason: str, variants: dict[str, Words]) -> dict[str, Words]:
    return {f"{reason}.{variant}" if variant else reason: words for variant, words in variants.items()}


REJECTED = Words(
    _("The resource pool refused the job."), remedy=_("Correct what it names and submit again."), category="refused"
)
REFUSALS = {
    **of("ImageUnavailable", IMAGES),
    **of("ConfigError", {"": CONFIGURATION["container"], **CONFIGURATION}),
    **of("VolumeUnavailable", CLAIM),
    **of("QuotaExceeded", QUOTA),
    **of("PodRefused", POLICY),
    **of("Rejected", {**CONFIGURATION, **CLAIM, **QUOTA, **POLICY, "": REJECTED}),
}
