"""Messages are those of kube-scheduler, the kubelet, the Job controller's admission and Kueue."""

import pytest

from jobs.cluster.base import Condition, PodPhase, Resources
from jobs.cluster.diagnosis import Asked, Finding, Stuck, why_waiting
from jobs.states import EndReason
from tests.jobs.cluster.diagnosed import attempt, notice, pod, unscheduled, waiting

PREEMPTION = (
    "no new claims to deallocate, preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, "
    "3 Preemption is not helpful for scheduling."
)


def of_scheduler(message: str, asked: Asked | None = None) -> Finding:
    finding = why_waiting(attempt(unscheduled(message)), asked or Asked())
    assert finding is not None
    return finding


def of_refusal(message: str) -> Finding:
    finding = why_waiting(attempt(replicas=1, notices=(notice("FailedCreate", message),)))
    assert finding is not None
    return finding


def test_it_counts_the_machines_that_lack_a_resource_and_says_what_is_asked() -> None:
    finding = of_scheduler(
        "0/5 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, 1 Insufficient cpu, 3 "
        "Insufficient "
        f"nvidia.com/gpu. {PREEMPTION}",
        Asked(Resources(gpus=8)),
    )
    assert finding == Finding(
        "Unschedulable",
        {
            "variant": "resource",
            "resource": "nvidia.com/gpu",
            "lacking": 3,
            "asked": "8",
            "nodes": 5,
            "mismatched": 2,
            "detail": "0/5 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, 1 Insufficient "
            "cpu, "
            "3 Insufficient nvidia.com/gpu",
        },
    )


@pytest.mark.parametrize(("resource", "asked"), [("cpu", "4"), ("memory", "2 GiB"), ("ephemeral-storage", None)])
def test_it_says_how_much_of_the_resource_a_replica_asks_for(resource: str, asked: str | None) -> None:
    message = f"0/1 nodes are available: 1 Insufficient {resource}. preemption: 0/1 nodes are available: 1 x."
    finding = of_scheduler(message, Asked(Resources(cpu_millis=4000, memory_bytes=2 << 30)))
    assert (finding.params["resource"], finding.params.get("asked")) == (resource, asked)


@pytest.mark.parametrize(
    ("message", "variant"),
    [
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "labels"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {nvidia.com/gpu: present}.", "taint"),
        ("0/3 nodes are available: 3 node(s) had taint {a: b}, that the pod didn't tolerate.", "taint"),
        ("0/3 nodes are available: 3 node(s) were unschedulable.", "cordoned"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "volumes"),
        ("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.", "volumes"),
        ("0/3 nodes are available: 3 Too many pods.", "pods"),
        ("no nodes available to schedule pods", "none"),
        ("0/3 nodes are available: 3 node(s) of a kind nobody knows.", None),
        ('running PreBind plugin "VolumeBinding": binding volumes: timed out', None),
    ],
)
def test_it_tells_what_else_keeps_machines_from_taking_a_pod(message: str, variant: str | None) -> None:
    finding = of_scheduler(message)
    assert (finding.reason, finding.params.get("variant"), finding.stuck) == ("Unschedulable", variant, Stuck.NO)


def test_taints_are_named() -> None:
    finding = of_scheduler(
        "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 "
        "node(s) had "
        f"untolerated taint {{team: vision}}. {PREEMPTION}"
    )
    assert (finding.params["tainted"], finding.params["taints"]) == (
        4,
        "node-role.kubernetes.io/control-plane, team: vision",
    )


def test_a_claim_that_does_not_exist_is_not_waited_for_for_ever() -> None:
    finding = of_scheduler(
        '0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are x.'
    )
    assert (finding.reason, finding.params["variant"], finding.params["claim"]) == (
        "VolumeUnavailable",
        "missing",
        "data",
    )
    assert (finding.stuck, finding.ending) == (Stuck.YES, EndReason.REJECTED)


def test_a_claim_without_a_volume_may_get_one() -> None:
    finding = of_scheduler("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    assert (finding.params["variant"], finding.stuck) == ("unbound", Stuck.NO)


@pytest.mark.parametrize(
    ("message", "variant", "told"),
    [
        ('secret "tokens" not found', "secret", {"name": "tokens"}),
        ('configmap "settings" not found', "configmap", {"name": "settings"}),
        ("couldn't find key password in Secret training/tokens", "key", {"key": "password", "name": "tokens"}),
        ("couldn't find key lr in ConfigMap training/settings", "key", {"key": "lr", "name": "settings"}),
        ('container has runAsNonRoot and image will run as root (pod: "x_training(u)", container: main)', "root", {}),
        ("container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root", "root", {}),
        ("failed to generate spec: invalid mount", "container", {}),
    ],
)
def test_it_tells_what_a_container_cannot_be_made_of(message: str, variant: str, told: dict[str, str]) -> None:
    finding = why_waiting(attempt(waiting("CreateContainerConfigError", message)))
    assert finding is not None
    assert (finding.reason, finding.params["variant"]) == ("ConfigError", variant)
    assert told.items() <= finding.params.items()
    assert (finding.stuck, finding.ending) == (Stuck.YES, EndReason.REJECTED)


def test_what_the_kubelet_has_not_read_yet_passes() -> None:
    message = "failed to sync secret cache: timed out waiting for the condition"
    finding = why_waiting(attempt(waiting("CreateContainerConfigError", message)))
    assert finding is not None
    assert (finding.stuck, finding.ending) == (Stuck.NO, None)


def test_a_volume_that_cannot_be_mounted_is_told_by_the_event_that_says_why() -> None:
    why = 'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32'
    then = (
        "Unable to attach or mount volumes: unmounted volumes=[nfs], unattached volumes=[], failed to process "
        "volumes=[]: timed out waiting for the condition"
    )
    events = (notice("FailedMount", why, replica=0), notice("FailedMount", then, second=9, replica=0))
    finding = why_waiting(attempt(waiting("ContainerCreating"), notices=events))
    assert finding is not None
    assert (finding.reason, finding.params["variant"], finding.params["volume"]) == (
        "VolumeUnavailable",
        "mount",
        "nfs",
    )
    assert finding.params["detail"] == why


def test_a_volume_made_of_a_missing_config_map_says_so() -> None:
    why = 'MountVolume.SetUp failed for volume "data-0" : configmap "labels" not found'
    finding = why_waiting(attempt(waiting("ContainerCreating"), notices=(notice("FailedMount", why, replica=0),)))
    assert finding is not None
    assert (finding.reason, finding.params["name"], finding.stuck) == ("ConfigError", "labels", Stuck.YES)


def test_a_volume_in_use_elsewhere() -> None:
    why = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) old-0'
    finding = why_waiting(
        attempt(waiting("ContainerCreating"), notices=(notice("FailedAttachVolume", why, replica=0),))
    )
    assert finding is not None
    assert (finding.params["variant"], finding.params["volume"]) == ("elsewhere", "pvc-1")


def test_a_pod_whose_container_is_being_made_is_prepared() -> None:
    finding = why_waiting(attempt(waiting("ContainerCreating")))
    assert finding == Finding("Starting", {"variant": "preparing", "node": "node-1"})


def test_a_pod_whose_image_is_on_its_way_says_so() -> None:
    pulling = notice("Pulling", 'Pulling image "train:1"', replica=0)
    finding = why_waiting(attempt(waiting("ContainerCreating"), notices=(pulling,)))
    assert finding is not None
    assert finding.params["variant"] == "pulling"


def test_another_pods_events_do_not_explain_this_one() -> None:
    why = notice("FailedMount", "MountVolume.SetUp failed", replica=1)
    finding = why_waiting(attempt(waiting("ContainerCreating"), notices=(why,)))
    assert finding is not None
    assert finding.reason == "Starting"


def test_quota_that_is_used_up_may_become_free() -> None:
    finding = of_refusal(
        'Error creating: pods "job-0000000000000001-1-0-abcde" is forbidden: exceeded quota: team, requested: '
        "requests.cpu=4,requests.nvidia.com/gpu=2, used: requests.cpu=8,requests.nvidia.com/gpu=7, limited: "
        "requests.cpu=64,requests.nvidia.com/gpu=8"
    )
    assert (finding.reason, finding.stuck) == ("QuotaExceeded", Stuck.NO)
    told = {"quota": "team", "resource": "requests.cpu", "asked": "4", "used": "8", "limit": "64"}
    assert told.items() <= finding.params.items()
    assert finding.params["detail"].startswith("exceeded quota: team")


@pytest.mark.parametrize(
    ("requested", "limited", "resource"),
    [
        ("requests.nvidia.com/gpu=4", "requests.nvidia.com/gpu=2", "requests.nvidia.com/gpu"),
        ("requests.cpu=1,requests.memory=8Gi", "requests.cpu=2,requests.memory=4096Mi", "requests.memory"),
        ("requests.cpu=2500m", "requests.cpu=2", "requests.cpu"),
        ("requests.nvidia.com/gpu=1", "requests.nvidia.com/gpu=0", "requests.nvidia.com/gpu"),
    ],
)
def test_quota_that_could_never_do_is_not_waited_for(requested: str, limited: str, resource: str) -> None:
    finding = of_refusal(f"exceeded quota: q, requested: {requested}, used: {resource}=0, limited: {limited}")
    assert (finding.stuck, finding.ending, finding.params["variant"]) == (Stuck.YES, EndReason.REJECTED, "never")
    assert finding.params["resource"] == resource


FORBIDDEN = 'Error creating: pods "job-1-0-x" is forbidden: '


@pytest.mark.parametrize(
    ("message", "variant", "told"),
    [
        (
            FORBIDDEN + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" '
            'must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "main" '
            "must "
            "set securityContext.runAsNonRoot=true)",
            "podSecurity",
            {"level": "restricted"},
        ),
        (
            FORBIDDEN + "failed quota: team: must specify limits.cpu for: main; limits.memory for: main",
            "quotaNeeds",
            {"quota": "team", "resource": "limits.cpu"},
        ),
        (
            FORBIDDEN + "maximum memory usage per Container is 4Gi, but limit is 8Gi",
            "range",
            {"resource": "memory", "limit": "4Gi", "asked": "8Gi"},
        ),
        (
            'Error creating: admission webhook "check.example" denied the request: no team label',
            "webhook",
            {"webhook": "check.example"},
        ),
        (
            FORBIDDEN + "ValidatingAdmissionPolicy 'images' with binding 'all' denied request: not from our registry",
            "webhook",
            {"webhook": "images"},
        ),
        (
            FORBIDDEN + 'error looking up service account training/default: serviceaccount "default" not found',
            "account",
            {"account": "default"},
        ),
        (FORBIDDEN + "no PriorityClass with name high was found", "priority", {"name": "high"}),
    ],
)
def test_it_tells_who_refuses_the_pods(message: str, variant: str, told: dict[str, str]) -> None:
    finding = of_refusal(message)
    assert (finding.reason, finding.params["variant"], finding.stuck) == ("PodRefused", variant, Stuck.YES)
    assert told.items() <= finding.params.items()
    assert finding.ending is EndReason.REJECTED


@pytest.mark.parametrize(
    "message",
    [
        'Error creating: Internal error occurred: failed calling webhook "check.example": failed to call webhook: '
        "Post x",
        "Error creating: Timeout: request did not complete within requested timeout",
    ],
)
def test_a_refusal_that_may_pass_is_waited_for(message: str) -> None:
    finding = of_refusal(message)
    assert (finding.reason, finding.stuck, finding.ending) == ("PodRefused", Stuck.NO, None)


def test_the_newest_refusal_counts_and_none_does_once_the_pods_are_there() -> None:
    old = notice("FailedCreate", FORBIDDEN + 'violates PodSecurity "baseline:latest": host namespaces')
    new = notice("FailedCreate", "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9", second=5)
    finding = why_waiting(attempt(replicas=1, notices=(new, old)))
    assert finding is not None
    assert finding.reason == "QuotaExceeded"
    there = why_waiting(attempt(waiting("ContainerCreating"), notices=(new, old)))
    assert there is not None
    assert there.reason == "Starting"


SHORT = (
    "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor a100, 2 more "
    "needed"
)
MOST = (
    "couldn't assign flavors to pod set main: insufficient quota for nvidia.com/gpu in flavor a100, previously "
    "considered "
    "podsets requests (0) + current podset request (16) > maximum capacity (8)"
)


@pytest.mark.parametrize(
    ("conditions", "variant", "told"),
    [
        ([], "unseen", {}),
        (
            [Condition("QuotaReserved", False, "Pending", SHORT)],
            "short",
            {"resource": "nvidia.com/gpu", "flavor": "a100", "missing": "2"},
        ),
        (
            [Condition("QuotaReserved", False, "Pending", MOST)],
            "most",
            {"resource": "nvidia.com/gpu", "flavor": "a100"},
        ),
        ([Condition("QuotaReserved", False, "Inadmissible", "LocalQueue team doesn't exist")], "queue", {}),
        ([Condition("QuotaReserved", False, "Inadmissible", "ClusterQueue gpu is inactive")], "queue", {}),
        (
            [
                Condition("QuotaReserved", True, "QuotaReserved", "Quota reserved in ClusterQueue gpu"),
                Condition("Admitted", False, "NoReservation", "waiting for checks"),
            ],
            "checks",
            {"detail": "waiting for checks"},
        ),
        (
            [Condition("Evicted", True, "Preempted", "Preempted to accommodate a workload (UID: 1, JobUID: 2)")],
            "evicted",
            {},
        ),
        ([Condition("QuotaReserved", False, "Pending", "The workload has no reservation")], None, {}),
    ],
)
def test_it_tells_why_kueue_holds_a_job_back(
    conditions: list[Condition], variant: str | None, told: dict[str, str]
) -> None:
    held = attempt(suspended=True, admission=tuple(conditions))
    finding = why_waiting(held, Asked(kueue_queue="team"))
    assert finding is not None
    assert (finding.reason, finding.params.get("variant"), finding.params["queue"]) == ("KueueWaiting", variant, "team")
    assert told.items() <= finding.params.items()
    assert finding.stuck is Stuck.NO


def test_what_will_not_pass_by_itself_comes_first() -> None:
    pods = [
        waiting("ContainerCreating", replica=0),
        unscheduled("0/1 nodes are available: 1 Insufficient cpu.", replica=1),
        waiting("ErrImagePull", "manifest unknown", replica=2),
        waiting("InvalidImageName", "bad", replica=3),
    ]
    for count, reason in [(1, "Starting"), (2, "Unschedulable"), (3, "ImageUnavailable"), (4, "ImageUnavailable")]:
        finding = why_waiting(attempt(*pods[:count]))
        assert finding is not None
        assert finding.reason == reason
    assert finding.stuck is Stuck.NEVER


def test_it_says_how_many_replicas_do_not_run_yet() -> None:
    finding = why_waiting(attempt(pod(0, phase=PodPhase.RUNNING), waiting("ContainerCreating", replica=1), replicas=3))
    assert finding is not None
    assert (finding.params["waiting"], finding.params["replicas"]) == (2, 3)


def test_there_is_nothing_to_say_of_what_runs_is_over_or_is_taken_down() -> None:
    assert why_waiting(attempt(pod(phase=PodPhase.RUNNING))) is None
    assert why_waiting(attempt(pod(phase=PodPhase.SUCCEEDED))) is None
    assert why_waiting(attempt(waiting("ErrImagePull", "manifest unknown"), going_down=True)) is None
    assert why_waiting(attempt(pod())) is None
    assert why_waiting(attempt(replicas=2)) is None
