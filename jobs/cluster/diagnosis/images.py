"""Why an image is not there: from the words of the kubelet and of its container runtime. Pure.

The kubelet's reasons are those of kubernetes' pkg/kubelet/images/types.go. Behind ErrImagePull stand the words of
containerd ("failed to resolve reference …: not found"), CRI-O ("reading manifest … manifest unknown") or Docker
("manifest for … not found"), each with the registry's answer at the end. Since Kubernetes 1.32 ImagePullBackOff repeats
them; before, it says only that it waits.
"""

import re

from jobs.cluster.base import PodSnapshot
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Finding, Stuck
from jobs.states import EndReason

PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"}
)
AT_ONCE = {"InvalidImageName": "invalid", "ErrInvalidImageName": "invalid", "ErrImageNeverPull": "never"}

# In this order: a registry's refusal often comes wrapped in words of not finding, and both in words of the network.
CAUSES = [
    (variant, re.compile(words, re.I))
    for variant, words in [
        ("signature", r"signature"),
        ("space", r"no space left on device|disk quota exceeded"),
        ("platform", r"no match for platform|no matching manifest for|no image found in (?:image index|manifest list)"),
        ("limited", r"toomanyrequests|too many requests|\b429\b|rate limit"),
        (
            "credentials",
            r"\b401\b|\b403\b|unauthori[sz]ed|authentication required|authorization failed|\bdenied\b|"
            r"access forbidden|no basic auth credentials|invalid username/password|"
            r"incorrect username or password|failed to authorize|failed to fetch (?:anonymous|oauth) token",
        ),
        ("notFound", r"manifest unknown|name unknown|not found\b|\b404\b|does not exist|code = NotFound"),
        ("certificate", r"x509:|certificate|gave HTTP response to HTTPS client|tls: "),
        (
            "unreachable",
            r"no such host|server misbehaving|name resolution|i/o timeout|connection refused|connection reset|"
            r"no route to host|network is unreachable|TLS handshake timeout|deadline exceeded|Client\.Timeout|"
            r"request canceled|context canceled|\bEOF\b|dial tcp|proxyconnect|"
            r"pinging (?:container|docker) registry|\b50[0234]\b|bad gateway|service unavailable|RegistryUnavailable",
        ),
    ]
]
# Docker Hub answers the same for a private repository and for one that is not there.
EITHER = re.compile(r"repository does not exist or may require|may require 'docker login'|insufficient_scope", re.I)
UNREACHED = re.compile(
    r"failed to fetch (?:anonymous|oauth) token:.*(?:dial tcp|no such host|i/o timeout|EOF|timeout)", re.I
)
WRAPPED = re.compile(r'^Back-off pulling image "[^"]*": (?:\w+: )?')
IMAGE = [
    re.compile(r'(?:Back-off pulling image|[Ff]ailed to pull image|Container image) "([^"]+)"'),
    re.compile(r'failed to pull and unpack image "([^"]+)"'),
    re.compile(r'Failed to apply default image tag "([^"]+)"'),
    re.compile(r"\breading manifest \S+ in (\S+):"),
]


def image_finding(pod: PodSnapshot, image: str = "") -> Finding | None:
    """None when the pod does not wait for its image. `image`: its name, where known."""
    reason, message = pod.waiting_reason, pod.waiting_message[:READ]
    if reason in AT_ONCE:
        return finding(AT_ONCE[reason], message, image, Stuck.NEVER)
    if reason in PULLING:
        return finding(cause(f"{message} {reason}"), message, image, Stuck.YES)
    return None


def finding(variant: str, message: str, image: str, stuck: Stuck) -> Finding:
    params = {"variant": variant, "image": excerpt(image or image_in(message)), "detail": excerpt(plain(message))}
    return Finding(EndReason.IMAGE_UNAVAILABLE.value, params, stuck, EndReason.IMAGE_UNAVAILABLE)


def cause(message: str) -> str:
    """A variant of the sentence for ImageUnavailable; empty when the words tell nothing that is known."""
    if EITHER.search(message):
        return "either"
    if UNREACHED.search(message):
        return "unreachable"
    # The name itself may hold any word: it is no evidence.
    words = re.sub(r'"[^"]*"', '""', message)
    return next((name for name, pattern in CAUSES if pattern.search(words)), "")


def image_in(message: str) -> str:
    return next((found[1] for pattern in IMAGE if (found := pattern.search(message))), "")


def plain(message: str) -> str:
    """The runtime's words without the kubelet's around them, so that both of its reasons, which take turns, read the
    same."""
    return WRAPPED.sub("", message)
