"""Kueue's doings with a suspended Job, on command (kueue.sigs.k8s.io: "Workload", its conditions and their reasons).

There is no queue behind it: a test says when a Job has to wait, is admitted, or is preempted."""

from tests.kube.job_pods import owner_reference
from tests.kube.job_status import is_true, set_condition
from tests.kube.records import Obj
from tests.kube.store import Store, suffix

QUEUE = "kueue.x-k8s.io/queue-name"
JOB_UID = "kueue.x-k8s.io/job-uid"
NO_QUOTA = (
    "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor default, "
    "1 more needed"
)
PREEMPTED = "Preempted to accommodate a workload (UID: 0000) due to prioritization in the ClusterQueue"


class Kueue:
    """Every method takes a Job's name and raises 404 when it is not there."""

    def __init__(self, store: Store, namespace: str) -> None:
        self.store = store
        self.namespace = namespace

    def hold(self, job_name: str, message: str = NO_QUOTA) -> None:
        """It waits for quota, and its Workload says for what."""
        self.tell(job_name, ("QuotaReserved", "False", "Pending", message))

    def admit(self, job_name: str) -> None:
        reserved = ("QuotaReserved", "True", "QuotaReserved", "Quota reserved in ClusterQueue team")
        self.tell(job_name, reserved, ("Admitted", "True", "Admitted", "The workload is admitted"))
        self.suspend(job_name, value=False)

    def preempt(self, job_name: str) -> None:
        """Its pods end; it waits again."""
        self.tell(
            job_name,
            ("Evicted", "True", "Preempted", PREEMPTED),
            ("Preempted", "True", "InClusterQueue", PREEMPTED),
            ("QuotaReserved", "False", "Pending", PREEMPTED),
            ("Admitted", "False", "NoReservation", "The workload has no reservation"),
        )
        self.suspend(job_name, value=True)

    def tell(self, job_name: str, *conditions: tuple[str, str, str, str]) -> None:
        workload = self.workload_of(self.store.get("jobs", self.namespace, job_name))

        def edit(obj: Obj) -> None:
            for condition in conditions:
                set_condition(obj.setdefault("status", {}), *condition)
            if is_true(obj["status"], "QuotaReserved"):
                for kind in ("Evicted", "Preempted"):
                    if is_true(obj["status"], kind):
                        set_condition(obj["status"], kind, "False", "QuotaReserved", "Previously: " + PREEMPTED)

        self.store.change("workloads", self.namespace, workload["metadata"]["name"], edit)

    def workload_of(self, job: Obj) -> Obj:
        metadata = job["metadata"]
        found = self.store.list("workloads", self.namespace, {JOB_UID: metadata["uid"]})
        return found[0] if found else self.make_workload(job)

    def make_workload(self, job: Obj) -> Obj:
        metadata = job["metadata"]
        names = {"namespace": self.namespace, "name": f"job-{metadata['name']}-{suffix()}"}
        head = {**names, "labels": {JOB_UID: metadata["uid"]}, "ownerReferences": [owner_reference(job)]}
        pods = {"name": "main", "count": job["spec"]["parallelism"], "template": job["spec"]["template"]}
        spec = {"queueName": (metadata.get("labels") or {}).get(QUEUE, ""), "podSets": [pods], "active": True}
        workload = {"kind": "Workload", "apiVersion": "kueue.x-k8s.io/v1beta1", "metadata": head, "spec": spec}
        return self.store.create("workloads", {**workload, "status": {}})

    def suspend(self, job_name: str, *, value: bool) -> None:
        def edit(job: Obj) -> None:
            job["spec"]["suspend"] = value

        self.store.change("jobs", self.namespace, job_name, edit)
