"""What is mounted into a replica: shared memory and the job's data sources. Pure."""

import posixpath
from typing import Any

from jobs import quantities
from jobs.cluster.base import AttemptSpec, DataSource
from jobs.cluster.kubernetes.options import PoolOptions

SHARED_MEMORY = "shared-memory"
SHARED_MEMORY_PATH = "/dev/shm"

Part = dict[str, Any]


def volumes(spec: AttemptSpec, options: PoolOptions) -> list[Part]:
    found = [{"name": volume_name(number), **KINDS[each.type](each)} for number, each in enumerate(spec.data_sources)]
    return found if brings_shared_memory(spec) else [shared_memory(spec, options), *found]


def mounts(spec: AttemptSpec) -> list[Part]:
    found = [mount(number, each) for number, each in enumerate(spec.data_sources)]
    own = {"name": SHARED_MEMORY, "mountPath": SHARED_MEMORY_PATH}
    return found if brings_shared_memory(spec) else [own, *found]


def volume_name(number: int) -> str:
    return f"data-{number}"


def brings_shared_memory(spec: AttemptSpec) -> bool:
    """A path can be mounted over only once."""
    return any(posixpath.normpath(each.mount_path) == SHARED_MEMORY_PATH for each in spec.data_sources)


def shared_memory(spec: AttemptSpec, options: PoolOptions) -> Part:
    """In memory, so that what is in it counts against the container's memory limit. Container runtimes give 64 MiB,
    which data loaders with several workers fill at once."""
    limit = shared_memory_bytes(spec, options)
    directory = {"medium": "Memory"} | ({"sizeLimit": str(limit)} if limit else {})
    return {"name": SHARED_MEMORY, "emptyDir": directory}


def shared_memory_bytes(spec: AttemptSpec, options: PoolOptions) -> int:
    """What the job asks for, else what the pool gives, else half of its memory limit; 0 is no limit of its own."""
    if spec.resources.shared_memory_bytes:
        return spec.resources.shared_memory_bytes
    if options.shared_memory:
        return quantities.memory_bytes(options.shared_memory)
    return spec.resources.memory_bytes // 2


def mount(number: int, source: DataSource) -> Part:
    """`sourcePath` is a directory of a claim or a key of a map; of an NFS server it is part of the volume."""
    part: Part = {"name": volume_name(number), "mountPath": source.mount_path, "readOnly": source.read_only}
    inside = source.source_path.strip("/")
    if source.type in ("pvc", "configMap") and inside:
        part["subPath"] = inside
    return part


def claim(source: DataSource) -> Part:
    return {"persistentVolumeClaim": {"claimName": source.name}}


def nfs(source: DataSource) -> Part:
    return {"nfs": {"server": source.name, "path": source.source_path, "readOnly": source.read_only}}


def empty_dir(source: DataSource) -> Part:
    return {"emptyDir": {"sizeLimit": str(source.size_limit_bytes)} if source.size_limit_bytes else {}}


def config_map(source: DataSource) -> Part:
    return {"configMap": {"name": source.name}}


KINDS = {"pvc": claim, "nfs": nfs, "emptyDir": empty_dir, "configMap": config_map}
