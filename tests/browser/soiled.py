"""Fills an instance's rows, those of one job and some of its own, with what people and programs may write. Run with the
id of the job, beside the platform; it prints the keys of what is to be removed afterwards, and removes it when given
them: `python -m tests.browser.soiled JOB [POOL TEMPLATE VIEW TOKEN]`."""

import sys

import django


def soil_all(job_id: str) -> None:
    from accounts.models import ApiToken, User
    from jobs.models import Event, Job, JobTemplate, Pod, Queue, ResourcePool, SavedView
    from tests.payloads import MIXTURE, soil

    job = Job.objects.get(public_id=job_id)
    admin = User.objects.get(username="admin")
    pool = ResourcePool.objects.create(name="soiled", kind=ResourcePool.LOCAL, enabled=False)
    queue = Queue.objects.create(pool=pool, name="soiled")
    template = JobTemplate.objects.create(project=job.project, owner=admin, name="soiled", spec=job.config)
    view = SavedView.objects.create(user=admin, name="soiled")
    token = ApiToken.issue(user=admin, name="soiled")[0]
    for row in (pool, queue, template, view, token):
        soil(row, MIXTURE)
    ResourcePool.objects.filter(pk=pool.pk).update(name="soiled", options={})
    JobTemplate.objects.filter(pk=template.pk).update(spec={**job.config, "jobName": MIXTURE[:128], "image": MIXTURE})
    texts = {"jobName": MIXTURE, "image": MIXTURE, "description": MIXTURE, "command": ["/bin/sh", "-c", MIXTURE]}
    config = {**job.config, **texts, "envs": [{"name": MIXTURE, "value": MIXTURE}], "labels": {MIXTURE: MIXTURE}}
    told = {"status_reason": "Rejected", "status_params": {"detail": MIXTURE}}
    Job.objects.filter(pk=job.pk).update(name=MIXTURE[:128], config=config, pool=pool, queue=queue, **told)
    Pod.objects.filter(job=job).update(node=MIXTURE[:253], reason=MIXTURE[:64], message=MIXTURE)
    Event.objects.filter(job=job).update(reason=MIXTURE[:64], message=MIXTURE, type="Warning")
    sys.stdout.write(f"{pool.pk} {template.pk} {view.pk} {token.pk}\n")


def remove(job_id: str, keys: list[int]) -> None:
    from accounts.models import ApiToken
    from jobs.models import Job, JobTemplate, ResourcePool, SavedView

    home = ResourcePool.objects.get(is_default=True)
    Job.objects.filter(public_id=job_id).update(pool=home, queue=home.queues.get(is_default=True))
    for model, key in zip((ResourcePool, JobTemplate, SavedView, ApiToken), keys, strict=True):
        model._default_manager.filter(pk=key).delete()


if __name__ == "__main__":
    django.setup()
    if keys := [int(key) for key in sys.argv[2:]]:
        remove(sys.argv[1], keys)
    else:
        soil_all(sys.argv[1])
