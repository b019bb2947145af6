"""Creating an attempt: at most one process ever for one (attempt, replica), whoever calls at once or dies half-way.

1. Make the attempt's directory, take its mutex.
2. Write attempt.json if it is not there; refuse when it speaks of something else.
3. Unless `launched` is there: for each replica take its lock (held by another: its shim lives, wait until it starts or
   ends), look for started.json (there: it has run), spawn the shim, which inherits the lock. Our copy closes, never
   unlocks: they are one open file.
4. While the shims come up, sync attempt.json: it names this boot, and after a power cut nobody runs it again.
5. When a shim says that it is there, hand it its spec. If we die before, it reads an end instead, and ends; if it
   dies before, begin again at 3.
6. Write `launched`. A replica without started.json whose lock is free from now on has lost its shim, and is Lost;
   before, it only waits for the next call.
"""

import os
import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from socket import socket

from jobs.cluster.base import AttemptSpec
from jobs.cluster.errors import Conflict, Invalid, NotFound, Unavailable
from jobs.cluster.local import locks, placement
from jobs.cluster.local.environment import pod_environment
from jobs.cluster.local.places import Places
from jobs.cluster.local.shim import files, proc
from jobs.cluster.local.shim import spec as wire
from jobs.cluster.local.spawn import ShimGone, deliver, spawn
from jobs.cluster.local.state import AttemptState, attempt_dir, read_attempt
from jobs.identifiers import pod_name
from jobs.logs.format import pod_dir

LAUNCH_TRIES = 3


def refuse_what_cannot_be_done(spec: AttemptSpec) -> None:
    if not spec.command:
        raise Invalid("the command is empty")
    envs = [*spec.envs, *spec.secret_envs]
    texts = [*spec.command, *spec.args, spec.working_dir, *(part for env in envs for part in env)]
    if any("\0" in text for text in texts):
        raise Invalid("a NUL character cannot be part of a command, a path or an environment variable")
    if any(not name or "=" in name for name, _ in envs):
        raise Invalid('the name of an environment variable cannot be empty or hold "="')
    if spec.resources.gpus:
        raise Invalid("this machine's pool has no GPUs to give: ask for none, or choose another pool")
    for source in spec.data_sources:
        raise Invalid(
            f"this machine's pool cannot mount {source.type} at {source.mount_path}: a command here sees the machine's "
            "own files, so use their paths and leave dataSources out"
        )


def create(places: Places, spec: AttemptSpec) -> AttemptState:
    refuse_what_cannot_be_done(spec)
    directory = attempt_dir(places.pool_dir, spec.ref)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locks.mutex(directory):
            state = read_attempt(directory) or begin(places, spec, directory)
            if state.spec_hash != spec.spec_hash or spec.ref.uid not in ("", state.uid):
                raise Conflict(f"{spec.ref.name} exists on this machine and is something else")
            known = any((directory / name).exists() for name in ("launched", "stop"))
            if not known and state.boot_id == proc.boot_id():
                launch(places, spec, state, directory)
            return state
    except NotFound as exc:
        raise Unavailable(f"{spec.ref.name} was forgotten while it was being created") from exc
    except OSError as exc:
        raise Unavailable(f"{spec.ref.name} could not be written: {exc}") from exc


def begin(places: Places, spec: AttemptSpec, directory: Path) -> AttemptState:
    own = places.work_dir / spec.ref.job_id
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = AttemptState(
        uid=secrets.token_hex(16),
        spec_hash=spec.spec_hash,
        replicas=spec.replicas,
        pod_uids=tuple(secrets.token_hex(16) for _ in range(spec.replicas)),
        node=os.uname().nodename,
        boot_id=proc.boot_id(),
        working_dir=str(own / spec.working_dir),
        master_port=placement.choose_port() if spec.replicas > 1 else 0,
    )
    cpus = placement.choose_cpus(spec, places.pool_dir)
    if any(cpus):
        (directory / "cpus").write_text("\n".join(cpus))
    files.replace(os.fsencode(directory), b"attempt.json", state.to_json().encode())
    return state


def launch(places: Places, spec: AttemptSpec, state: AttemptState, directory: Path) -> None:
    for _ in range(LAUNCH_TRIES - 1):
        try:
            return launch_once(places, spec, state, directory)
        except ShimGone:
            continue
    return launch_once(places, spec, state, directory)


def launch_once(places: Places, spec: AttemptSpec, state: AttemptState, directory: Path) -> None:
    with ExitStack() as shims:
        waiting: list[tuple[int, socket]] = []
        for replica in range(state.replicas):
            shim = spawn_unless_known(directory / str(replica))
            if shim is not None:
                waiting.append((replica, shims.enter_context(shim)))
        files.sync(os.fsencode(directory / "attempt.json"))
        for replica, shim in waiting:
            deliver(shim, shim_spec(places, spec, state, directory / str(replica), replica))
    (directory / "launched").touch(mode=0o600)


def spawn_unless_known(own: Path) -> socket | None:
    """A new shim that waits for its spec; None when the command has started, or was stopped before it could."""
    own.mkdir(mode=0o700, exist_ok=True)
    lock = take_or_see_it_start(own)
    if lock is None:
        return None
    try:
        return None if has_begun(own) else spawn(lock)
    finally:
        os.close(lock)


def take_or_see_it_start(own: Path) -> int | None:
    """The replica's lock, or None when a live shim has it and has started the command. A shim that has not may be
    about to, or its creator died before it got its spec and it is about to end: milliseconds will tell."""
    deadline = time.monotonic() + locks.PATIENCE_S
    while (lock := locks.take(own)) is None and not has_begun(own):
        if time.monotonic() > deadline:
            raise Unavailable(f"{own} has a supervisor that neither starts its command nor ends")
        time.sleep(locks.RETRY_S)
    return lock


def has_begun(own: Path) -> bool:
    return any((own / name).exists() for name in ("started.json", "exit.json"))


def shim_spec(places: Places, spec: AttemptSpec, state: AttemptState, own: Path, replica: int) -> bytes:
    fields: dict[str, str | int] = {
        "pod": pod_name(spec.ref.job_id, spec.ref.attempt, replica),
        "uid": state.pod_uids[replica],
        "node": state.node,
        "state_dir": str(own),
        "log_dir": str(pod_dir(places.log_dir, spec.ref.job_id, spec.ref.attempt, replica)),
        "working_dir": state.working_dir,
        "hint_socket": str(places.hint_socket),
        "cpus": own_cpus(own.parent, replica),
        "max_log_bytes": places.max_log_bytes,
        "segment_bytes": places.segment_bytes,
        "memory_bytes": spec.resources.memory_bytes,
        "grace_ms": round(spec.grace_seconds * 1000),
    }
    env = pod_environment(spec, replica, state.master_port) | {"POD_UID": state.pod_uids[replica]}
    return wire.encode(fields, [*spec.command, *spec.args], env)


def own_cpus(directory: Path, replica: int) -> str:
    try:
        return (directory / "cpus").read_text().split("\n")[replica]
    except FileNotFoundError:
        return ""
