"""Following a container's log over real connections: through its start, its end, rotation, drops and silence."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cluster.base import AttemptSpec, LogLines, LogPosition, ObjectRef, PodPhase, PodRef
from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.logs import Timing, follow
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.logs.position import Trail
from tests.jobs.cluster.worlds import eventually, spec
from tests.kube import ApiServer
from tests.kube.faults import Fault
from tests.kube.kubelet import Timing as NodeTiming

QUICK = Timing(silence=2.0, unbroken=4.0, searching=2.0, unfinished=0.05, pause=0.02, pause_most=0.1, outage=1.0)
NUMBERED = "import time\nfor n in range({count}):\n    print('line', n, flush=True)\n    time.sleep({pause})\n"


class Node:
    """A cluster, and the pod of one attempt on it."""

    def __init__(self, server: ApiServer, directory: Path) -> None:
        self.server = server
        path = server.kubeconfig(directory / "pool.yaml")
        self.access = Access(PoolOptions(kubeconfig=path.name), directory, connect_seconds=1.0, read_seconds=5.0)
        self.cluster = KubernetesCluster(self.access)

    @property
    def timing(self) -> NodeTiming:
        return self.server.settings.on_node

    def start(self, *command: str, until: PodPhase | None = PodPhase.RUNNING) -> PodRef:
        made: AttemptSpec = spec(*command)
        ref = self.cluster.create_attempt(made)
        return eventually(lambda: self.pod(ref, until), "the pod")

    def pod(self, ref: ObjectRef, until: PodPhase | None) -> PodRef | None:
        observation = self.cluster.observe([ref])[ref]
        pods = getattr(getattr(observation, "snapshot", None), "pods", ())
        return pods[0].ref if pods and pods[0].ref.uid and until in (None, pods[0].phase) else None

    def print(self, count: int, pause: float = 0.0) -> PodRef:
        return self.start(sys.executable, "-c", NUMBERED.format(count=count, pause=pause))

    def pod_name(self, pod: PodRef) -> str:
        return next(each["metadata"]["name"] for each in self.server.list("pods") if each["metadata"]["uid"] == pod.uid)

    def rotate(self, pod: PodRef) -> None:
        container = self.server.plane.kubelet.container(pod.uid, "main")
        self.server.call(container.log.rotate)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with ApiServer(on_node=NodeTiming(follow_end=0.02)) as server:
        yield Node(server, tmp_path)


@pytest.fixture
async def client(node: Node) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(node.access)
    yield client
    await client.aclose()


class Reader:
    """What a follower got, and the place to go on from."""

    def __init__(self, client: AsyncClient, pod: PodRef) -> None:
        self.client, self.pod = client, pod
        self.trail = Trail()
        self.found: list[LogLines] = []

    @property
    def text(self) -> str:
        return b"".join(lines.data for lines in self.found).decode()

    @property
    def gaps(self) -> int:
        return sum(lines.gap for lines in self.found)

    @property
    def position(self) -> LogPosition | None:
        return self.trail.position

    async def read(self, until: Callable[[], bool] = lambda: False, timing: Timing = QUICK) -> "Reader":
        async with asyncio.timeout(60):
            async with aclosing(follow(self.client, self.pod, since=self.position, timing=timing)) as source:
                async for lines in source:
                    self.found.append(lines)
                    if lines.data:
                        self.trail.add(lines.data, lines.times)
                    if until():
                        break
        return self


def numbered(first: int, last: int) -> str:
    return "".join(f"line {number}\n" for number in range(first, last))


async def test_a_log_is_followed_from_its_first_line_to_its_last(node: Node, client: AsyncClient) -> None:
    pod = node.print(30, 0.01)
    reader = await Reader(client, pod).read()
    assert (reader.text, reader.gaps) == (numbered(0, 30), 0)


async def test_bytes_come_as_they_were_printed(node: Node, client: AsyncClient) -> None:
    code = r"import sys; w = sys.stdout.buffer.write; w(bytes(range(256)) * 200 + b'\n\n\r\xff'); w('损'.encode()[:2])"
    pod = node.start(sys.executable, "-c", code, until=PodPhase.SUCCEEDED)
    reader = await Reader(client, pod).read()
    expected = bytes(range(256)) * 200 + b"\n\n\r\xff" + "损".encode()[:2]
    assert b"".join(lines.data for lines in reader.found) == expected


async def test_the_beginning_of_a_line_is_given_while_its_end_is_awaited(node: Node, client: AsyncClient) -> None:
    code = "import sys, time; sys.stdout.write('x' * 40000); sys.stdout.flush(); time.sleep(60)"
    pod = node.start(sys.executable, "-c", code)
    reader = Reader(client, pod)
    await reader.read(lambda: len(reader.text) >= 32 << 10)
    assert set(reader.text) == {"x"}


async def test_a_pod_that_has_not_started_is_waited_for(node: Node, client: AsyncClient) -> None:
    node.timing.pull = 0.5
    pod = node.start("/bin/echo", "late", until=PodPhase.PENDING)
    reader = await Reader(client, pod).read()
    assert reader.text == "late\n"


async def test_a_pod_that_never_ran_has_an_empty_log(node: Node, client: AsyncClient) -> None:
    node.timing.pull = 60
    pod = node.start("/bin/echo", "never", until=None)
    node.server.change("pods", node.pod_name(pod), never_ran)
    reader = await Reader(client, pod).read()
    assert reader.found == []


def never_ran(pod: dict) -> None:
    pod["status"] = {"phase": "Failed", "reason": "OutOfcpu"}


async def test_a_pod_with_another_uid_is_not_there(node: Node, client: AsyncClient) -> None:
    pod = node.print(1)
    with pytest.raises(NotFound):
        await Reader(client, PodRef(pod.job_id, pod.attempt, pod.replica, "another")).read()


async def test_the_log_of_a_pod_that_is_deleted_meanwhile_ends_with_it(node: Node, client: AsyncClient) -> None:
    pod = node.print(100_000, 0.01)
    reader = Reader(client, pod)

    def delete() -> bool:
        if len(reader.found) == 5:
            node.server.delete_pod(node.pod_name(pod), grace_seconds=1)
        return False

    await reader.read(delete)
    lines = reader.text.count("\n")
    assert lines >= 5
    assert reader.text == numbered(0, lines)


async def test_reading_goes_on_from_a_position(node: Node, client: AsyncClient) -> None:
    pod = node.print(60, 0.01)
    reader = Reader(client, pod)
    for goal in (5, 10, 20, 40):
        await reader.read(lambda goal=goal: reader.text.count("\n") >= goal)  # type: ignore[misc]
    await reader.read()
    assert (reader.text, reader.gaps) == (numbered(0, 60), 0)


async def test_dropped_connections_lose_and_repeat_nothing(node: Node, client: AsyncClient) -> None:
    pod = node.print(150, 0.01)
    reader = Reader(client, pod)

    def drop() -> bool:
        if len(reader.found) % 10 == 0:
            node.server.close_connections()
        return False

    await reader.read(drop)
    assert (reader.text, reader.gaps) == (numbered(0, 150), 0)


@pytest.mark.parametrize("at_rotation", ["go on", "end", "stall"])
async def test_rotation_loses_nothing_that_was_read_in_time(node: Node, client: AsyncClient, at_rotation: str) -> None:
    node.timing.at_rotation = at_rotation  # type: ignore[assignment]
    wait = 0.5 if at_rotation == "go on" else 3
    code = NUMBERED.format(count=20, pause=0.0) + f"time.sleep({wait})\n{NUMBERED}".format(count=10, pause=0.01)
    pod = node.start(sys.executable, "-c", code)
    reader = Reader(client, pod)

    def rotate() -> bool:
        if reader.text == numbered(0, 20) and not reader.gaps:
            node.rotate(pod)
        return False

    await reader.read(rotate)
    assert reader.text == numbered(0, 20) + numbered(0, 10)
    assert reader.gaps == (at_rotation != "go on")


async def test_a_log_that_rotates_just_before_its_end_is_whole(node: Node, client: AsyncClient) -> None:
    pod = node.start(sys.executable, "-c", NUMBERED.format(count=20, pause=0.0) + "time.sleep(0.5)")
    reader = Reader(client, pod)

    def rotate() -> bool:
        if reader.text == numbered(0, 20):
            node.rotate(pod)
        return False

    await reader.read(rotate)
    assert (reader.text, reader.gaps) == (numbered(0, 20), 0)


async def test_what_rotated_away_unread_is_a_gap(node: Node, client: AsyncClient) -> None:
    code = NUMBERED.format(count=5, pause=0.2) + "time.sleep(60)"
    pod = node.start(sys.executable, "-c", code)
    reader = Reader(client, pod)
    await reader.read(lambda: "line 0\n" in reader.text)
    eventually(lambda: b"line 2\n" in node.server.plane.kubelet.container(pod.uid, "main").log.path.read_bytes())
    node.rotate(pod)
    await reader.read(lambda: "line 4\n" in reader.text)
    assert reader.gaps == 1
    assert reader.text.startswith("line 0\n")
    assert reader.text.endswith("line 3\nline 4\n")


async def test_a_log_that_rotated_away_to_its_end_is_a_gap(node: Node, client: AsyncClient) -> None:
    pod = node.print(20, 0.05)
    reader = Reader(client, pod)
    await reader.read(lambda: len(reader.found) > 2)
    eventually(lambda: node.pod(ObjectRef(pod.job_id, 1), PodPhase.SUCCEEDED))
    container = node.server.plane.kubelet.container(pod.uid, "main")
    container.log.path.write_bytes(b"")
    await reader.read()
    assert reader.gaps == 1
    assert reader.text.count("\n") < 20


async def test_a_log_that_falls_silent_is_asked_for_anew_once(node: Node, client: AsyncClient) -> None:
    pod = node.start("/bin/sh", "-c", "echo one; sleep 4; echo two")
    reader = await Reader(client, pod).read(timing=replace(QUICK, silence=0.3, unbroken=60.0))
    assert (reader.text, reader.gaps) == ("one\ntwo\n", 0)
    asked = len(node.server.requests.all(resource="pods/log"))
    assert 3 <= asked <= 5  # at first, after the silence, and after the end; the second has nothing new to rotate away


async def test_a_log_that_was_silent_from_the_first_is_asked_for_anew_more_rarely(
    node: Node, client: AsyncClient
) -> None:
    pod = node.start("/bin/sh", "-c", "sleep 4; echo one")
    reader = await Reader(client, pod).read(timing=replace(QUICK, silence=0.01, unbroken=1.0))
    assert (reader.text, reader.gaps) == ("one\n", 0)
    assert 3 <= len(node.server.requests.all(resource="pods/log")) <= 9


async def test_a_cluster_that_is_away_for_long_is_unavailable(node: Node, client: AsyncClient) -> None:
    pod = node.print(100_000, 0.05)
    reader = Reader(client, pod)
    await reader.read(lambda: len(reader.found) > 1)
    with node.server.faults.applied(Fault("drop")), pytest.raises(Unavailable):
        await reader.read()
    await reader.read(lambda: len(reader.found) > 10)
    assert reader.text == numbered(0, reader.text.count("\n"))


async def test_errors_that_pass_are_survived(node: Node, client: AsyncClient) -> None:
    pod = node.print(40, 0.02)
    for action, status in (("status", 500), ("status", 504), ("drop", 0), ("status", 429)):
        node.server.faults.add(Fault(action, resource="pods/log", count=1, status=status))
    reader = await Reader(client, pod).read()
    assert (reader.text, reader.gaps) == (numbered(0, 40), 0)


async def test_a_read_timeout_is_no_end(node: Node, client: AsyncClient) -> None:
    pod = node.print(50, 0.02)
    reader = Reader(client, pod)

    def silence() -> bool:
        if len(reader.found) == 5:
            node.server.faults.add(Fault("silence", resource="pods/log", duration=0.3))
        return False

    await reader.read(silence)
    assert (reader.text, reader.gaps) == (numbered(0, 50), 0)
