"""What is sent to a cluster for an attempt: for everything that the API lets through, and example by example."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from kubernetes.client import models

from jobs.cluster.base import AttemptSpec, DataSource, ObjectRef, Resources
from jobs.cluster.kubernetes import labels, manifests
from jobs.cluster.kubernetes.client import JOBS, SECRETS, SERVICES, Client
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions, parse
from jobs.identifiers import pod_name
from tests.jobs.cluster.kubernetes.expansion import expand, seen_by_the_command
from tests.jobs.cluster.kubernetes.specs import JOB_ID, attempt_specs, pools
from tests.kube import pod_security
from tests.kube.server import ApiServer

GIB = 1 << 30
few = settings(max_examples=40, deadline=None)  # each is a whole job; the first one loads the models
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
POD_FIELDS = {
    "restartPolicy", "automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds",
    "securityContext", "containers", "volumes", "subdomain", "activeDeadlineSeconds", "imagePullSecrets",
    "nodeSelector", "tolerations", "affinity",
}  # fmt: skip
CONTAINER_FIELDS = {
    "name", "image", "command", "args", "env", "volumeMounts", "securityContext",
    "workingDir", "resources",
}  # fmt: skip
VOLUME_FIELDS = {"name", "persistentVolumeClaim", "nfs", "emptyDir", "configMap"}


def spec(**changes: Any) -> AttemptSpec:
    return replace(AttemptSpec(ref=ObjectRef(JOB_ID, 1), image="python:3.12", command=("true",)), **changes)


def pod_of(attempt: AttemptSpec, **options: Any) -> dict[str, Any]:
    pod: dict[str, Any] = manifests.job(attempt, PoolOptions(**options))["spec"]["template"]["spec"]
    return pod


def container_of(attempt: AttemptSpec, **options: Any) -> dict[str, Any]:
    (container,) = pod_of(attempt, **options)["containers"]
    return container


def secret_values(attempt: AttemptSpec) -> dict[str, str]:
    data = (manifests.secret(attempt) or {"data": {}})["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def environment_of(attempt: AttemptSpec, replica: int = 0) -> dict[str, str]:
    """As the command of that replica sees it."""
    return seen_by_the_command(
        container_of(attempt)["env"],
        labels={labels.REPLICA: str(replica)},
        uid="uid-of-the-pod",
        secret=secret_values(attempt),
    )


def unknown_fields(value: Any, kind: str, path: str) -> list[str]:
    """Fields that the API's schema, as the official client has it, does not know: strict validation refuses them."""
    if kind.startswith("List[") and isinstance(value, list):
        return [text for each in value for text in unknown_fields(each, kind[5:-1], path + "[]")]
    if kind.startswith("Dict[") or not isinstance(value, dict):
        return []
    model = getattr(models, kind)
    types = {name: model.openapi_types[attribute] for attribute, name in model.attribute_map.items()}
    unknown = [f"{path}.{name}" for name in value if name not in types]
    known = [name for name in value if name in types]
    return unknown + [text for name in known for text in unknown_fields(value[name], types[name], f"{path}.{name}")]


class TestForAnyJobThatIsAccepted:
    @few
    @given(attempt_specs(), pools)
    def test_names_and_labels_fit_their_limits(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        for found in filter(None, [manifests.job(attempt, options), manifests.service(attempt)]):
            assert DNS_LABEL.fullmatch(found["metadata"]["name"])
            assert all(LABEL_VALUE.fullmatch(value) for value in found["metadata"]["labels"].values())
            assert labels.ref_of(found["metadata"]["labels"]) == attempt.ref
        last = pod_name(attempt.ref.job_id, attempt.ref.attempt, attempt.replicas - 1)
        assert DNS_LABEL.fullmatch(last)
        pod = manifests.job(attempt, options)["spec"]["template"]
        assert labels.ref_of(pod["metadata"]["labels"]) == attempt.ref
        names = [volume["name"] for volume in pod["spec"]["volumes"]]
        assert len(set(names)) == len(names)
        assert all(DNS_LABEL.fullmatch(name) for name in names)

    @few
    @given(attempt_specs(), pools)
    def test_nothing_is_in_a_pod_but_what_is_on_the_list(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        pod = manifests.job(attempt, options)["spec"]["template"]["spec"]
        assert pod.keys() <= POD_FIELDS
        (container,) = pod["containers"]
        assert container.keys() <= CONTAINER_FIELDS
        assert all(volume.keys() <= VOLUME_FIELDS for volume in pod["volumes"])

    @few
    @given(attempt_specs(), pools)
    def test_it_gains_no_privilege(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        pod = manifests.job(attempt, options)["spec"]["template"]["spec"]
        security = pod["containers"][0]["securityContext"]
        assert security.keys() == {"allowPrivilegeEscalation", "capabilities"}
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"].keys() == {"drop"}
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)

    @few
    @given(attempt_specs(), pools)
    def test_it_fits_the_pod_security_that_the_pool_names(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        """But for NFS, which the restricted level does not allow."""
        pod = manifests.job(attempt, options)["spec"]["template"]["spec"]
        assert list(pod_security.baseline(pod)) == []
        if options.pod_security == "restricted" and all(each.type != "nfs" for each in attempt.data_sources):
            assert list(pod_security.restricted(pod)) == []

    @few
    @given(attempt_specs(), pools)
    def test_the_schema_of_the_api_knows_every_field(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        assert unknown_fields(manifests.job(attempt, options), "V1Job", "Job") == []
        assert unknown_fields(manifests.service(attempt), "V1Service", "Service") == []
        assert unknown_fields(manifests.secret(attempt), "V1Secret", "Secret") == []

    @few
    @given(attempt_specs(), pools)
    def test_it_is_the_same_each_time(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        first, again = (json.dumps(manifests.job(attempt, options)) for _ in range(2))
        assert first == again

    @few
    @given(attempt_specs(), pools)
    def test_secret_values_are_in_the_secret_alone(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        canaries = tuple((name, f"canary-{number}") for number, (name, _value) in enumerate(attempt.secret_envs))
        attempt = replace(attempt, secret_envs=canaries)
        assert "canary-" not in json.dumps([manifests.job(attempt, options), manifests.service(attempt)])
        assert all(SECRET_KEY.fullmatch(key) for key in secret_values(attempt))

    @few
    @given(attempt_specs())
    def test_the_command_sees_what_the_user_wrote(self, attempt: AttemptSpec) -> None:
        seen, container = environment_of(attempt), container_of(attempt)
        assert {**dict(attempt.envs), **dict(attempt.secret_envs)}.items() <= seen.items()
        assert tuple(expand(word, seen) for word in container["command"]) == attempt.command
        assert tuple(expand(word, seen) for word in container.get("args", [])) == attempt.args

    @few
    @given(attempt_specs())
    def test_every_volume_is_mounted_once(self, attempt: AttemptSpec) -> None:
        volumes = [volume["name"] for volume in pod_of(attempt)["volumes"]]
        mounts = container_of(attempt)["volumeMounts"]
        assert sorted(mount["name"] for mount in mounts) == sorted(volumes)
        places = [mount["mountPath"] for mount in mounts]
        assert len(set(places)) == len(places)
        assert all(not mount.get("subPath", "").startswith("/") for mount in mounts)

    @few
    @given(attempt_specs(), pools)
    def test_the_cluster_ends_it_later_than_the_platform(self, attempt: AttemptSpec, options: PoolOptions) -> None:
        deadline = manifests.job(attempt, options)["spec"]["template"]["spec"].get("activeDeadlineSeconds")
        assert (deadline is None) is (attempt.max_run_seconds is None)
        if deadline is not None and attempt.max_run_seconds is not None:
            assert attempt.max_run_seconds < deadline < 2**31


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    kubeconfigs = tmp_path_factory.mktemp("kubeconfigs")
    with ApiServer(simulate=True) as server:
        server.kubeconfig(kubeconfigs / "training")
        options = PoolOptions(kubeconfig="training")
        yield Client(Access(options=options, kubeconfig_dir=kubeconfigs, connect_seconds=5.0, read_seconds=20.0))


def with_plain_names(attempt: AttemptSpec) -> AttemptSpec:
    """A name or a label that only the cluster can judge is refused by it, and the job ends with its words."""
    return replace(
        attempt,
        resources=replace(attempt.resources, gpu_type="A100"),
        data_sources=tuple(replace(each, name="data") for each in attempt.data_sources),
        image_pull_secret="registry",
    )


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # the API server does, on a thread of its own
@few
@given(attempt_specs(), pools)
def test_an_api_server_that_validates_strictly_takes_all_of_it(
    cluster: Client, attempt: AttemptSpec, options: PoolOptions
) -> None:
    attempt = with_plain_names(attempt)
    made = (
        (SECRETS, manifests.secret(attempt)),
        (SERVICES, manifests.service(attempt)),
        (JOBS, manifests.job(attempt, options)),
    )
    for kind, manifest in made:
        if manifest is not None:
            cluster.request("POST", kind, body=manifest, query=[("fieldValidation", "Strict")])
            cluster.request("DELETE", kind, attempt.ref.name, body={"propagationPolicy": "Background"})


class TestTheJob:
    def test_it_is_indexed_and_never_retried_by_the_cluster(self) -> None:
        job = manifests.job(spec(replicas=3, spec_hash="abc"), PoolOptions())
        body = job["spec"]
        assert (body["completionMode"], body["parallelism"], body["completions"]) == ("Indexed", 3, 3)
        assert (body["backoffLimit"], body["podReplacementPolicy"]) == (0, "Failed")
        assert body["template"]["spec"]["restartPolicy"] == "Never"
        assert "suspend" not in body
        assert "activeDeadlineSeconds" not in body
        assert job["metadata"]["annotations"] == {labels.SPEC_HASH: "abc"}

    def test_a_queue_of_kueue_admits_it(self) -> None:
        job = manifests.job(spec(), PoolOptions(kueue_queue="team-a"))
        assert job["spec"]["suspend"] is True
        assert job["metadata"]["labels"][labels.KUEUE_QUEUE] == "team-a"

    @pytest.mark.parametrize(("asked", "given"), [(0, 1), (0.5, 1), (1.5, 2), (3600, 3600)])
    def test_the_grace_period_is_whole_seconds_and_never_none(self, asked: float, given: int) -> None:
        assert pod_of(spec(grace_seconds=asked))["terminationGracePeriodSeconds"] == given

    def test_the_pools_pull_secret_is_for_jobs_without_one(self) -> None:
        assert "imagePullSecrets" not in pod_of(spec())
        assert pod_of(spec(), image_pull_secret="pool")["imagePullSecrets"] == [{"name": "pool"}]
        own = spec(image_pull_secret="own")
        assert pod_of(own, image_pull_secret="pool")["imagePullSecrets"] == [{"name": "own"}]

    def test_owned_objects_name_the_job_and_its_uid(self) -> None:
        patch = manifests.owned_by("job-x-1", "uid-1")
        (owner,) = patch["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Job", "job-x-1", "uid-1")


class TestMeeting:
    def test_several_replicas_have_a_service_and_find_the_first(self) -> None:
        attempt = spec(replicas=2)
        service = manifests.service(attempt)
        assert service is not None
        assert service["spec"] == {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": labels.labels_of(attempt.ref),
        }
        name = attempt.ref.name
        assert pod_of(attempt)["subdomain"] == service["metadata"]["name"] == name
        seen = environment_of(attempt, replica=1)
        assert (seen["RANK"], seen["WORLD_SIZE"], seen["LOCAL_RANK"]) == ("1", "2", "0")
        assert (seen["MASTER_ADDR"], seen["MASTER_PORT"]) == (f"{name}-0.{name}", "29500")

    def test_one_replica_meets_itself(self) -> None:
        attempt = spec()
        assert manifests.service(attempt) is None
        assert "subdomain" not in pod_of(attempt)
        seen = environment_of(attempt)
        assert (seen["RANK"], seen["WORLD_SIZE"], seen["MASTER_ADDR"]) == ("0", "1", "127.0.0.1")

    def test_one_replica_with_several_gpus_is_left_to_its_own_launcher(self) -> None:
        seen = environment_of(spec(resources=Resources(gpus=8)))
        assert not {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"} & seen.keys()


class TestVariables:
    def test_a_command_knows_its_job_and_pod(self) -> None:
        seen = environment_of(spec(replicas=2, resources=Resources(cpu_millis=1500)), replica=1)
        assert (seen["JOB_ID"], seen["JOB_ATTEMPT"]) == (JOB_ID, "1")
        assert (seen["POD_NAME"], seen["POD_UID"]) == (pod_name(JOB_ID, 1, 1), "uid-of-the-pod")
        assert (seen["PYTHONUNBUFFERED"], seen["OMP_NUM_THREADS"]) == ("1", "2")

    def test_the_users_own_win(self) -> None:
        attempt = spec(replicas=2, envs=(("RANK", "mine"),), secret_envs=(("MASTER_PORT", "secret"),))
        seen = environment_of(attempt, replica=1)
        assert (seen["RANK"], seen["MASTER_PORT"]) == ("mine", "secret")
        names = [variable["name"] for variable in container_of(attempt)["env"]]
        assert len(set(names)) == len(names)

    def test_the_pods_name_is_right_whatever_the_user_sets(self) -> None:
        seen = environment_of(spec(replicas=2, envs=(("JOB_COMPLETION_INDEX", "9"),)), replica=1)
        assert (seen["POD_NAME"], seen["JOB_COMPLETION_INDEX"]) == (pod_name(JOB_ID, 1, 1), "9")

    @pytest.mark.parametrize(
        "text", ["$(hostname)", "$$", "echo $((1 + 1)) $HOME", "$(JOB_ID)", "$", "$$(JOB_ID)", "$é"]
    )
    def test_the_shells_signs_are_left_to_the_shell(self, text: str) -> None:
        attempt = spec(command=("sh", "-c", text), envs=(("TEXT", text),))
        seen = environment_of(attempt)
        assert expand(container_of(attempt)["command"][2], seen) == text
        assert seen["TEXT"] == text

    def test_a_secret_name_longer_than_a_key_works(self) -> None:
        attempt = spec(secret_envs=(("x" * 255, "värde"), ("OTHER", "")))
        assert secret_values(attempt) == {"env-0": "värde", "env-1": ""}
        assert environment_of(attempt)["x" * 255] == "värde"
        assert manifests.secret(spec()) is None


class TestResources:
    def test_what_is_asked_for_is_reserved_and_the_limit(self) -> None:
        asked = Resources(cpu_millis=1500, memory_bytes=4 * GIB, gpus=2)
        amounts = {"cpu": "1500m", "memory": str(4 * GIB), "example.org/gpu": "2"}
        found = container_of(spec(resources=asked), gpu_resource="example.org/gpu")["resources"]
        assert found == {"requests": amounts, "limits": amounts}
        assert "resources" not in container_of(spec())

    def test_a_type_of_gpu_narrows_the_pools_nodes(self) -> None:
        pod = pod_of(spec(resources=Resources(gpu_type="A100")), node_selector=(("pool", "training"),))
        assert pod["nodeSelector"] == {"pool": "training"}
        (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"] == [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["A100"]}]

    def test_tolerations_are_the_pools(self) -> None:
        wanted = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        options = parse({"tolerations": wanted})
        assert manifests.job(spec(), options)["spec"]["template"]["spec"]["tolerations"] == wanted

    @pytest.mark.parametrize(
        ("asked", "pools", "limit"),
        [
            (Resources(shared_memory_bytes=GIB, memory_bytes=8 * GIB), "2Gi", GIB),
            (Resources(memory_bytes=8 * GIB), "2Gi", 2 * GIB),
            (Resources(memory_bytes=8 * GIB), "", 4 * GIB),
            (Resources(), "", None),
        ],
    )
    def test_shared_memory_is_generous(self, asked: Resources, pools: str, limit: int | None) -> None:
        (volume,) = pod_of(spec(resources=asked), shared_memory=pools)["volumes"]
        size = {"sizeLimit": str(limit)} if limit else {}
        assert volume["emptyDir"] == {"medium": "Memory", **size}
        assert container_of(spec(resources=asked))["volumeMounts"][0]["mountPath"] == "/dev/shm"


def source(type_: str, **changes: Any) -> DataSource:
    return replace(DataSource(type_, "data", "", "/data", False, 0), **changes)


class TestDataSources:
    @pytest.mark.parametrize(
        ("given", "volume", "mount"),
        [
            (source("pvc"), {"persistentVolumeClaim": {"claimName": "data"}}, {}),
            (source("pvc", source_path="/a/b/"), {"persistentVolumeClaim": {"claimName": "data"}}, {"subPath": "a/b"}),
            (source("configMap", source_path="train.yaml"), {"configMap": {"name": "data"}}, {"subPath": "train.yaml"}),
            (
                source("nfs", source_path="/export", read_only=True),
                {"nfs": {"server": "data", "path": "/export", "readOnly": True}},
                {},
            ),
            (source("emptyDir", size_limit_bytes=GIB), {"emptyDir": {"sizeLimit": str(GIB)}}, {}),
            (source("emptyDir"), {"emptyDir": {}}, {}),
        ],
    )
    def test_each_type_is_mounted(self, given: DataSource, volume: dict[str, Any], mount: dict[str, Any]) -> None:
        attempt = spec(data_sources=(given,))
        assert pod_of(attempt)["volumes"][1] == {"name": "data-0", **volume}
        expected = {"name": "data-0", "mountPath": "/data", "readOnly": given.read_only, **mount}
        assert container_of(attempt)["volumeMounts"][1] == expected

    def test_a_source_of_the_users_takes_the_place_of_shared_memory(self) -> None:
        attempt = spec(data_sources=(source("emptyDir", mount_path="/dev/shm/"),))
        assert [volume["name"] for volume in pod_of(attempt)["volumes"]] == ["data-0"]


class TestPodSecurity:
    def test_baseline_runs_as_the_image_says(self) -> None:
        assert pod_of(spec())["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
        assert container_of(spec())["securityContext"]["capabilities"] == {"drop": ["MKNOD", "NET_RAW"]}

    def test_restricted_runs_as_the_pools_user_with_its_volumes(self) -> None:
        restricted = {"pod_security": "restricted", "run_as_user": 1000, "run_as_group": 2000}
        context = pod_of(spec(), **restricted)["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, 1000, 2000)
        assert context["fsGroup"] == 2000
        assert container_of(spec(), **restricted)["securityContext"]["capabilities"] == {"drop": ["ALL"]}

    def test_without_a_group_volumes_belong_to_the_users_own(self) -> None:
        context = pod_of(spec(), pod_security="restricted", run_as_user=1000)["securityContext"]
        assert context["fsGroup"] == 1000
