"""What a shim is told, over a socket and never on disk: it holds the secrets.

NUL-terminated `key=value` fields, which no argument, path or variable can contain a NUL in: one pass to read, no parser
to import. `arg` and `env` repeat, in order.
"""

NUMBERS = ("max_log_bytes", "segment_bytes", "memory_bytes", "grace_ms")


class Spec:
    pod: bytes  # <jobId>-<attempt>-<replica>
    uid: bytes
    node: bytes
    state_dir: bytes  # of this replica; its parent is the attempt's
    log_dir: bytes  # of this replica
    working_dir: bytes
    hint_socket: bytes
    cpus: bytes  # "0,3", or empty for all
    max_log_bytes: int
    segment_bytes: int  # of the log's files
    memory_bytes: int  # 0 is "no limit"
    grace_ms: int
    args: list[bytes]
    env: dict[bytes, bytes]


def decode(data: bytes) -> Spec:
    """Raises ValueError for a spec cut short: the writer died, nothing may be started."""
    if not data.endswith(b"\0end=\0"):
        raise ValueError("the spec is not complete")
    spec = Spec()
    spec.args, spec.env = [], {}
    for item in data.split(b"\0")[:-2]:
        key, _, value = item.partition(b"=")
        if key == b"arg":
            spec.args.append(value)
        elif key == b"env":
            name, _, content = value.partition(b"=")
            spec.env[name] = content
        else:
            name_text = key.decode()
            setattr(spec, name_text, int(value) if name_text in NUMBERS else value)
    return spec


def encode(fields: dict[str, str | int], args: list[str], env: dict[str, str]) -> bytes:
    """No text may hold a NUL."""
    items = [f"{key}={value}" for key, value in fields.items()]
    items += [f"arg={value}" for value in args]
    items += [f"env={name}={value}" for name, value in env.items()]
    return b"".join(item.encode("utf-8", "surrogateescape") + b"\0" for item in [*items, "end="])
