"""Every AttemptSpec and every pool that the API and the admin let through (jobs.api.serializers, options.py)."""

import string

from hypothesis import strategies as st

from jobs.cluster.base import AttemptSpec, DataSource, ObjectRef, Resources
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.identifiers import ALPHABET

JOB_ID = "job-" + "0" * 16
LETTERS_AND_DIGITS = string.ascii_letters + string.digits
BYTES = st.integers(1, 1 << 60)

# A text as a JSON body may carry it: no NUL, no lone surrogates. `$` and brackets come often, as they are special.
texts = st.text(st.one_of(st.sampled_from("$(){}é \n'\""), st.characters(codec="utf-8", exclude_characters="\0")))
words = st.lists(texts, max_size=4).map(tuple)
env_names = st.text(LETTERS_AND_DIGITS + "_.-", max_size=254).map("_".__add__) | st.sampled_from(
    ["RANK", "POD_NAME", "JOB_COMPLETION_INDEX", "MASTER_ADDR", "PYTHONUNBUFFERED", "x" * 255]
)
dns_names = st.text(string.ascii_lowercase + ".-9", max_size=251).map("n{}0".format)
paths = st.text("ab/. $é", max_size=40).map("/".__add__).filter(lambda path: ".." not in path.split("/"))
refs = st.builds(
    ObjectRef,
    st.text(ALPHABET, min_size=16, max_size=16).map("job-".__add__),
    st.integers(1, 999_999),
    st.just(""),
)
sources = st.builds(
    DataSource,
    type=st.sampled_from(["pvc", "nfs", "emptyDir", "configMap"]),
    name=dns_names,
    source_path=st.just("") | paths | paths.map(lambda path: path[1:]),
    mount_path=paths | st.sampled_from(["/dev/shm", "/dev/shm/"]),
    read_only=st.booleans(),
    size_limit_bytes=st.just(0) | BYTES,
)
resources = st.builds(
    Resources,
    cpu_millis=st.just(0) | BYTES,
    memory_bytes=st.just(0) | BYTES,
    gpus=st.integers(0, 1024),
    gpu_type=st.just("") | st.text(LETTERS_AND_DIGITS + "-_.", min_size=1, max_size=63),
    shared_memory_bytes=st.just(0) | BYTES,
)


@st.composite
def attempt_specs(draw: st.DrawFn) -> AttemptSpec:
    names = draw(st.lists(env_names, max_size=8, unique=True))
    values = [(name, draw(texts)) for name in names]
    secret = draw(st.integers(0, len(values)))
    return AttemptSpec(
        ref=draw(refs),
        image=draw(st.text(LETTERS_AND_DIGITS + "_.-/:@+", max_size=511).map("i".__add__)),
        command=draw(words.filter(bool)),
        args=draw(words),
        envs=tuple(values[secret:]),
        secret_envs=tuple(values[:secret]),
        working_dir=draw(st.just("") | paths),
        replicas=draw(st.integers(1, 1000)),
        resources=draw(resources),
        data_sources=tuple(draw(st.lists(sources, max_size=4, unique_by=lambda each: each.mount_path))),
        grace_seconds=draw(st.integers(0, 3600)),
        image_pull_secret=draw(st.just("") | dns_names),
        spec_hash=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        max_run_seconds=draw(st.none() | st.integers(1, 315_360_000)),
    )


pools = st.builds(
    PoolOptions,
    pod_security=st.sampled_from(["baseline", "restricted"]),
    run_as_user=st.integers(1, 2**31 - 1),
    run_as_group=st.none() | st.integers(0, 2**31 - 1),
    shared_memory=st.sampled_from(["", "2Gi"]),
    node_selector=st.sampled_from([(), (("pool", "training"),)]),
    tolerations=st.sampled_from([(), ((("key", "gpu"), ("operator", "Exists")),)]),
    image_pull_secret=st.sampled_from(["", "registry"]),
    kueue_queue=st.sampled_from(["", "team-a"]),
)
