"""A pod of the platform's on the double, without its Job."""

from jobs.cluster.base import ObjectRef, PodRef
from jobs.cluster.kubernetes.labels import REPLICA, labels_of
from jobs.logs.format import CONTAINER
from tests.kube import ApiServer
from tests.processes import wait_until

NAME = "the-pod"


def sleeping_pod(server: ApiServer, job_id: str) -> PodRef:
    """It runs when this returns. Its name is no name that the platform would know it by."""
    labels = {**labels_of(ObjectRef(job_id, 1)), REPLICA: "0"}
    container = {"name": CONTAINER, "image": "python:3.12", "command": ["sleep", "600"]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    made = server.create("pods", {"kind": "Pod", "metadata": {"name": NAME, "labels": labels}, "spec": spec})
    wait_until(lambda: server.get("pods", NAME)["status"].get("phase") == "Running", 20, "the start of the pod")
    return PodRef(job_id, 1, 0, made["metadata"]["uid"])
