"""The life of pods on the double's node, without an API server before it."""

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kube.events import Recorder
from tests.kube.kubelet import Kubelet, Timing
from tests.kube.kubelet.container import Container
from tests.kube.kubelet.environment import expand
from tests.kube.kubelet.logread import LogOptions, read_log
from tests.kube.kubelet.watchdog import MARK, marked
from tests.kube.records import Obj
from tests.kube.resources import CORE
from tests.kube.store import Store

NS = "training"


class Cluster:
    def __init__(self) -> None:
        self.store = Store(CORE)
        self.kubelet = Kubelet(self.store, Recorder(self.store), timing=Timing(ready=0.01, follow_end=0.01))

    def create(self, *command: str, name: str = "pod", spec: Obj | None = None, **container: Any) -> Obj:
        main = {"name": "main", "image": "python:3.12", "command": list(command), **container}
        body = {"nodeName": "node-1", "restartPolicy": "Never", "containers": [main], **(spec or {})}
        metadata = {"name": name, "namespace": NS, "labels": {"a.b/c": "d"}}
        return self.store.create("pods", {"kind": "Pod", "metadata": metadata, "spec": body, "status": {}})

    def pod(self, name: str = "pod") -> Obj:
        return self.store.get("pods", NS, name)

    def state(self, name: str = "pod") -> Obj:
        statuses = self.pod(name)["status"].get("containerStatuses") or [{"state": {}}]
        state: Obj = statuses[0]["state"]
        return state

    async def until(self, look: Callable[[], Any]) -> Any:
        async with asyncio.timeout(20):
            while not (answer := look()):
                await asyncio.sleep(0.005)
        return answer

    async def phase(self, *phases: str, name: str = "pod") -> Obj:
        await self.until(lambda: self.pod(name)["status"].get("phase") in phases)
        return self.pod(name)

    async def ended(self, name: str = "pod") -> Obj:
        await self.phase("Succeeded", "Failed", name=name)
        state: Obj = self.state(name)["terminated"]
        return state

    async def waits(self, reason: str) -> str:
        await self.until(lambda: self.state().get("waiting", {}).get("reason") == reason)
        return str(self.state()["waiting"].get("message", ""))

    def container(self) -> Container:
        found = self.kubelet.container(self.pod()["metadata"]["uid"], "main")
        assert found is not None
        return found

    async def log(self, **options: Any) -> bytes:
        container = self.container()
        assert container.log is not None
        reading = read_log(container.log, LogOptions(**options), self.kubelet.timing, lambda: container.is_over)
        return b"".join([text async for text in reading])

    def events(self) -> list[tuple[str, str]]:
        return [(event["reason"], event["message"]) for event in self.store.list("events", NS)]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    await made.kubelet.start()
    yield made
    await made.kubelet.stop()
    assert not marked(f"{MARK}={made.kubelet.node.fences.token}".encode())


async def test_a_pod_runs_its_command_and_keeps_what_it_printed(cluster: Cluster) -> None:
    cluster.create(
        "sh", "-c", "echo out; echo err >&2; pwd; echo $HOSTNAME", workingDir="/app", spec={"hostname": "h-0"}
    )
    assert await cluster.ended() == {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": cluster.state()["terminated"]["startedAt"],
        "finishedAt": cluster.state()["terminated"]["finishedAt"],
        "containerID": f"containerd://{cluster.container().id}",
    }
    lines = (await cluster.log()).decode().splitlines()
    assert set(lines) > {"out", "err", "h-0"}
    assert any(line.endswith("/main/app") for line in lines)
    assert {reason for reason, _ in cluster.events()} == {"Pulling", "Pulled", "Created", "Started"}


async def test_a_running_pod_becomes_ready(cluster: Cluster) -> None:
    cluster.create("sleep", "300")
    pod = await cluster.phase("Running")
    assert "startedAt" in cluster.state()["running"]
    await cluster.until(lambda: cluster.pod()["status"]["containerStatuses"][0]["ready"])
    conditions = {one["type"]: one["status"] for one in cluster.pod()["status"]["conditions"]}
    assert conditions["Ready"] == conditions["ContainersReady"] == "True"
    assert pod["status"]["startTime"]


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        ("exit 3", 3, "Error"),
        ("kill -KILL $$$$", 137, "Error"),
        ("kill -TERM $$$$", 143, "Error"),
        ("export SIMULATE_OOM; kill -KILL $$$$", 137, "Error"),
    ],
)
async def test_how_it_ended_is_told(cluster: Cluster, script: str, code: int, reason: str) -> None:
    cluster.create("sh", "-c", script)
    ended = await cluster.ended()
    assert (ended["exitCode"], ended["reason"]) == (code, reason)
    assert cluster.pod()["status"]["phase"] == "Failed"


async def test_memory_can_be_said_to_have_run_out(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "kill -KILL $$$$", env=[{"name": "SIMULATE_OOM", "value": "1"}])
    assert (await cluster.ended())["reason"] == "OOMKilled"


async def test_a_command_that_is_not_there_is_a_start_error(cluster: Cluster) -> None:
    cluster.create("python4", "train.py")
    ended = await cluster.ended()
    assert (ended["exitCode"], ended["reason"], ended["startedAt"]) == (128, "StartError", "1970-01-01T00:00:00Z")
    assert 'exec: "python4": executable file not found in $PATH' in ended["message"]


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("registry.invalid/not-found:1", "registry.invalid/not-found:1: not found"),
        ("registry.invalid/private/x:1", "pull access denied, repository does not exist or may require authorization"),
        ("registry.invalid/unreachable/x:1", "dial tcp: lookup registry.invalid: no such host"),
    ],
)
async def test_an_image_that_cannot_be_pulled_is_tried_again(cluster: Cluster, image: str, text: str) -> None:
    cluster.create("true", image=image)
    assert text in await cluster.waits("ErrImagePull")
    assert f'Back-off pulling image "{image}": ErrImagePull: ' in await cluster.waits("ImagePullBackOff")
    await cluster.waits("ErrImagePull")
    assert cluster.pod()["status"]["phase"] == "Pending"


async def test_an_impossible_image_name(cluster: Cluster) -> None:
    cluster.create("true", image="Not An Image")
    assert "invalid reference format" in await cluster.waits("InvalidImageName")


async def test_a_missing_secret_is_waited_for(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "echo $TOKEN", envFrom=[{"secretRef": {"name": "late"}}])
    assert await cluster.waits("CreateContainerConfigError") == 'secret "late" not found'
    data = {"TOKEN": base64.b64encode("schlüssel".encode()).decode()}
    cluster.store.create("secrets", {"kind": "Secret", "metadata": {"name": "late", "namespace": NS}, "data": data})
    await cluster.ended()
    assert (await cluster.log()).decode() == "schlüssel\n"


async def test_variables_come_from_fields_and_from_each_other(cluster: Cluster) -> None:
    env = [
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a.b/c']"}}},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "BOTH", "value": "$(LABEL)-$(NAME)-$$(NAME)-$(NONE)"},
    ]
    cluster.create("/bin/echo", env=env, args=["$(BOTH)", "$NAME"])
    await cluster.ended()
    assert await cluster.log() == b"d-pod-$(NAME)-$(NONE) $NAME\n"


def test_an_open_bracket_that_never_closes_stays() -> None:
    assert expand("$(A) $$ $ $x $(A", {"A": "1"}) == "1 $ $ $x $(A"


async def test_deletion_asks_then_kills_and_then_the_object_goes(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "trap 'echo asked; exit 7' TERM; echo up; sleep 300 & wait")
    await cluster.phase("Running")
    await cluster.until(lambda: cluster.container().log)
    seen = cluster.store.subscribe("pods", initial=False)
    await until_log(cluster, b"up")
    cluster.store.delete("pods", NS, "pod", grace_seconds=20)
    await cluster.until(lambda: cluster.store.find("pods", NS, "pod") is None)
    last = seen.drain()[-1]
    assert last.type == "DELETED"
    assert last.obj["status"]["phase"] == "Failed"
    assert last.obj["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7


async def until_log(cluster: Cluster, text: bytes) -> None:
    async with asyncio.timeout(20):
        while cluster.container().log is None or text not in await cluster.log():
            await asyncio.sleep(0.005)


async def test_what_ignores_the_asking_is_killed_after_the_grace(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "trap '' TERM; echo up; while :; do sleep 300; done")
    await cluster.phase("Running")
    await until_log(cluster, b"up")
    seen = cluster.store.subscribe("pods", initial=False)
    cluster.store.delete("pods", NS, "pod", grace_seconds=1)
    await cluster.until(lambda: cluster.store.find("pods", NS, "pod") is None)
    assert seen.drain()[-1].obj["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137


async def test_a_pod_that_never_started_can_be_deleted(cluster: Cluster) -> None:
    cluster.create("true", image="registry.invalid/not-found")
    await cluster.waits("ErrImagePull")
    cluster.store.delete("pods", NS, "pod", grace_seconds=30)
    await cluster.until(lambda: cluster.store.find("pods", NS, "pod") is None)


async def test_a_container_ends_with_all_it_started(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "setsid sleep 433.25 & sleep 0.1; exit 4")
    assert (await cluster.ended())["exitCode"] == 4
    assert not marked(f"{MARK}={cluster.kubelet.node.fences.token}".encode())


async def test_a_deadline_of_the_pod_ends_it(cluster: Cluster) -> None:
    cluster.create("sleep", "300", spec={"activeDeadlineSeconds": 1})
    pod = await cluster.phase("Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert cluster.state()["terminated"]["exitCode"] == 143


async def test_an_evicted_pod_stays_and_says_why(cluster: Cluster) -> None:
    cluster.create("sleep", "300")
    await cluster.phase("Running")
    cluster.kubelet.evict(NS, "pod")
    pod = await cluster.phase("Failed")
    assert pod["status"]["reason"] == "Evicted"
    assert "DisruptionTarget" in [one["type"] for one in pod["status"]["conditions"]]


async def test_a_lost_node_reports_nothing_until_it_is_back(cluster: Cluster) -> None:
    cluster.create("sleep", "300")
    await cluster.phase("Running")
    cluster.kubelet.lose()
    process = cluster.container().process
    assert process is not None
    await asyncio.shield(process.ended)
    before = cluster.pod()
    await asyncio.sleep(0.05)
    assert cluster.pod() == before
    cluster.kubelet.recover()
    assert (await cluster.ended())["exitCode"] == 137


async def test_long_lines_are_kept_in_parts_and_read_as_one(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; printf end")
    await cluster.ended()
    log = cluster.container().log
    assert log is not None
    assert [record.split(b" ")[2] for record in log.path.read_bytes().splitlines()] == [b"P", b"P", b"F", b"P"]
    shown = await cluster.log(timestamps=True)
    first, last = shown.split(b"\n")
    assert len(first) == 31 + 40000
    assert last[31:] == b"end"


async def test_reading_can_begin_late_and_end_early(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "for i in 1 2 3 4; do echo $i; done")
    await cluster.ended()
    assert await cluster.log(tail=2) == b"3\n4\n"
    assert await cluster.log(tail=0) == b""
    assert await cluster.log(tail=9) == b"1\n2\n3\n4\n"
    assert await cluster.log(limit=3) == b"1\n2"
    assert await cluster.log(since_ns=2**62) == b""


async def test_a_followed_log_ends_with_its_container(cluster: Cluster) -> None:
    cluster.create("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.02; done")
    await cluster.phase("Running")
    assert await cluster.log(follow=True) == b"1\n2\n3\n"


@pytest.mark.parametrize("at_rotation", ["go on", "end"])
async def test_a_log_is_rotated_and_only_the_newest_file_is_read(cluster: Cluster, at_rotation: Any) -> None:
    cluster.kubelet.timing.log_bytes = 4000
    cluster.kubelet.timing.at_rotation = at_rotation
    cluster.create(
        "sh", "-c", "echo first; sleep 0.1; i=0; while [ $i -lt 200 ]; do echo line $i; i=$(expr $i + 1); done"
    )
    await cluster.phase("Running")
    followed = await cluster.log(follow=True)
    await cluster.ended()
    kept = await cluster.log()
    assert followed.startswith(b"first\n")
    assert not kept.startswith(b"first\n")
    assert kept.endswith(b"line 199\n")
    assert followed.endswith(b"line 199\n") is (at_rotation == "go on")


SERVER = """
import asyncio, sys
from tests.kube.test_kubelet import Cluster
async def main():
    cluster = Cluster()
    await cluster.kubelet.start()
    cluster.create("sh", "-c", "setsid sleep 434.5 & sleep 434.5")
    await cluster.phase("Running")
    await cluster.until(lambda: cluster.pod()["status"]["containerStatuses"][0]["ready"])
    print(cluster.kubelet.node.fences.token, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_nothing_outlives_a_killed_server() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, cwd=root, env=os.environ) as server:
        assert server.stdout is not None
        prefix = f"{MARK}={server.stdout.readline().decode().strip()}.".encode()
        assert len(marked(prefix)) >= 2
        server.kill()
    deadline = asyncio.new_event_loop()
    end = deadline.time() + 20
    while marked(prefix):
        assert deadline.time() < end
    deadline.close()
