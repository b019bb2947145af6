"""Public ids: `job-` (`rec-`) + 16 characters of lowercase base32 that sort by time of creation."""

import re
import secrets
import time

# Crockford's alphabet in ASCII order, so that the text sorts as the number does.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 16
RANDOM_BITS = 36
JOB_ID = re.compile(rf"job-[{ALPHABET}]{{{LENGTH}}}")
RECORDING_ID = re.compile(rf"rec-[{ALPHABET}]{{{LENGTH}}}")


def encode(number: int) -> str:
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def new_job_id(now_ms: int | None = None) -> str:
    """44 bits of milliseconds since 1970 (until the year 2527) and 36 random bits; unique by the table's constraint."""
    return "job-" + timed_code(now_ms)


def new_recording_id() -> str:
    """Of a terminal's recording, made like a job's."""
    return "rec-" + timed_code()


def timed_code(now_ms: int | None = None) -> str:
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return encode(((ms & ((1 << 44) - 1)) << RANDOM_BITS) | secrets.randbits(RANDOM_BITS))


def attempt_name(job_id: str, attempt: int) -> str:
    """The root of every cluster object's name: 22 characters and the attempt's digits, a DNS label."""
    return f"{job_id}-{attempt}"


def pod_name(job_id: str, attempt: int, replica: int) -> str:
    """`<jobId>-<attempt>-<replica>`: also the hostname that Kubernetes gives a pod of an Indexed Job."""
    return f"{job_id}-{attempt}-{replica}"


def parse_pod_name(name: str) -> tuple[str, int, int] | None:
    """(job id, attempt, replica) of a name that pod_name() could have made, else None."""
    match = re.fullmatch(rf"({JOB_ID.pattern})-([1-9]\d{{0,5}})-(0|[1-9]\d{{0,5}})", name, re.ASCII)
    return (match[1], int(match[2]), int(match[3])) if match else None
