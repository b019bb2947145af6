"""Memory and CPU limits, as far as this system can hold a command to them."""

import os

import pytest

from jobs.cluster.base import PodPhase, PodReason, Resources
from jobs.cluster.local import placement
from tests.jobs.cluster.local.test_stop import alive, printed_pids
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, spec

GREEDY = r"""
import os, time
child = os.fork()
os.write(1, b"%d\n" % os.getpid())
if child == 0:
    hoard = bytearray(b"x") * (200 << 20)
time.sleep(600)
"""
SHARED = """
import os, time
hoard = bytearray(b"x") * (60 << 20)
children = [os.fork() for _ in range(1)]
if children[0] == 0:
    time.sleep(0.7)
    os._exit(0)
os.waitpid(children[0], 0)
"""
several_cpus = pytest.mark.skipif(len(placement.machine_cpus()) < 2, reason="needs two CPUs")


def test_over_its_memory_the_whole_tree_is_killed(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", GREEDY, resources=Resources(memory_bytes=100 << 20))
    local.cluster.create_attempt(made)
    pids = printed_pids(local, made.ref, 2)
    pod = local.over(made.ref).pods[0]
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.OOM_KILLED, 137)
    assert "its limit is 100.0 MiB" in pod.message
    assert not any(alive(pid) for pid in pids)


def test_memory_that_processes_share_counts_once(local: LocalWorld) -> None:
    pod = local.run(spec(PYTHON, "-c", SHARED, resources=Resources(memory_bytes=100 << 20)))
    assert pod.phase is PodPhase.SUCCEEDED, pod.message


@several_cpus
def test_a_command_is_bound_to_as_many_cpus_as_it_asked_for(local: LocalWorld) -> None:
    code = "import os; print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    made = spec(PYTHON, "-c", code, resources=Resources(cpu_millis=500))
    local.run(made)
    assert local.output(made.ref) == b"1 1\n"


@several_cpus
def test_replicas_are_spread_over_the_cpus(local: LocalWorld) -> None:
    code = "import os, time; print(*os.sched_getaffinity(0), flush=True); time.sleep(600)"
    single = local.running(spec(PYTHON, "-c", code, resources=Resources(cpu_millis=1000)))
    other = local.running(spec(PYTHON, "-c", code, resources=Resources(cpu_millis=1000)))
    assert local.output(single) != local.output(other)


@several_cpus
def test_cpus_of_those_that_ended_are_free_again(local: LocalWorld) -> None:
    made = spec("true", resources=Resources(cpu_millis=1000))
    local.run(made)
    assert not placement.cpus_in_use(local.pool)


def test_one_that_asks_for_the_whole_machine_is_not_bound(local: LocalWorld) -> None:
    count = len(placement.machine_cpus())
    made = spec(PYTHON, "-c", "import os; print(len(os.sched_getaffinity(0)))", resources=Resources(cpu_millis=99000))
    local.run(made)
    assert local.output(made.ref) == b"%d\n" % count


def test_the_capacity_is_the_machines(local: LocalWorld) -> None:
    capacity = local.cluster.capacity()
    assert capacity.cpu_millis == 1000 * len(os.sched_getaffinity(0))
    assert capacity.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert capacity.gpus == 0
