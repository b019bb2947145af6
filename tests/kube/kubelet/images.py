"""What comes of pulling an image: magic names fail as real registries do, every other image is "there". Pure."""

import re
from dataclasses import dataclass

MAGIC_HOST = "registry.invalid"
# github.com/distribution/reference: [domain/]path[:tag][@digest]
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?"
REFERENCE = re.compile(
    rf"(?:{DOMAIN}/)?{PART}(?:/{PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)


@dataclass(frozen=True, slots=True)
class Pull:
    """`reason` and `message` are empty for a pull that succeeds after `seconds`."""

    reason: str = ""
    message: str = ""
    seconds: float = 0.0


def pull(image: str, *, authorised: bool) -> Pull:
    """`authorised`: the pod names a pull secret that is there."""
    if not REFERENCE.fullmatch(image):
        parse = f'couldn\'t parse image name "{image}": invalid reference format'
        return Pull("InvalidImageName", f'Failed to apply default image tag "{image}": {parse}')
    host, _, path = image.partition("/")
    if host != MAGIC_HOST:
        return Pull()
    if path.startswith("slow/"):
        return Pull(seconds=seconds_of(path))
    if path.startswith("private/") and authorised:
        return Pull()
    return Pull("ErrImagePull", failure(tagged(image), path))


def tagged(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def failure(image: str, path: str) -> str:
    """As containerd words it (core/remotes/docker, and the kubelet's rpc prefix)."""
    code, why = "NotFound", f"{image}: not found"
    if path.startswith("private/"):
        code, why = (
            "Unknown",
            "pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed",
        )
    elif path.startswith("unreachable/"):
        url = f"https://{MAGIC_HOST}/v2/{path.partition(':')[0]}/manifests/{image.rpartition(':')[2]}"
        lookup = f"dial tcp: lookup {MAGIC_HOST}: no such host"
        code, why = "Unknown", f'failed to do request: Head "{url}": {lookup}'
    pulling = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}"'
    return f"rpc error: code = {code} desc = {pulling}: {why}"


def seconds_of(path: str) -> float:
    """`slow/1.5:tag` takes so many seconds; `slow/anything` two."""
    match = re.match(r"slow/(\d+(?:\.\d+)?)(?:[:/]|$)", path)
    return float(match[1]) if match else 2.0
