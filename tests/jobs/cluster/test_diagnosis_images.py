"""Messages are those of containerd 1.7 and 2, CRI-O, Docker and the kubelet, with the names of examples."""

import pytest

from jobs.cluster.diagnosis import Finding, Stuck, why_waiting
from jobs.states import EndReason
from tests.jobs.cluster.diagnosed import attempt, waiting

UNPACK = 'rpc error: code = Unknown desc = failed to pull and unpack image "reg.example/team/train:1": '
RESOLVE = UNPACK + 'failed to resolve reference "reg.example/team/train:1": '


def found(reason: str, message: str) -> Finding:
    finding = why_waiting(attempt(waiting(reason, message)))
    assert finding is not None
    return finding


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (
            "notFound",
            'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:nope": '
            'failed to resolve reference "docker.io/library/nginx:nope": docker.io/library/nginx:nope: not found',
        ),
        ("notFound", "reading manifest nope in docker.io/library/nginx: manifest unknown: manifest unknown"),
        (
            "notFound",
            "Error response from daemon: manifest for nginx:nope not found: manifest unknown: manifest unknown",
        ),
        (
            "notFound",
            "initializing source docker://quay.io/a/b:1: reading manifest 1 in quay.io/a/b: name unknown: repository "
            "not found",
        ),
        (
            "credentials",
            RESOLVE + "pulling from host reg.example failed with status code [manifests 1]: 401 Unauthorized",
        ),
        (
            "credentials",
            RESOLVE + "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized",
        ),
        (
            "credentials",
            RESOLVE
            + "unexpected status from HEAD request to https://reg.example/v2/team/train/manifests/1: 403 Forbidden",
        ),
        (
            "credentials",
            "rpc error: code = Unknown desc = Requesting bearer token: invalid status code from registry 403 "
            "(Forbidden)",
        ),
        ("credentials", "reading manifest 1 in reg.example/a: unauthorized: authentication required"),
        (
            "credentials",
            "Error response from daemon: Head https://reg.example/v2/a/manifests/1: no basic auth credentials",
        ),
        (
            "either",
            RESOLVE + "pull access denied, repository does not exist or may require authorization: server message: "
            "insufficient_scope: authorization failed",
        ),
        (
            "either",
            "Error response from daemon: pull access denied for team/train, repository does not exist or may require "
            "'docker login'",
        ),
        (
            "unreachable",
            RESOLVE + 'failed to do request: Head "https://reg.example/v2/team/train/manifests/1": dial tcp: lookup '
            "reg.example on 10.96.0.10:53: no such host",
        ),
        (
            "unreachable",
            RESOLVE + 'failed to do request: Head "https://reg.example/v2/": dial tcp 10.0.0.9:443: i/o timeout',
        ),
        (
            "unreachable",
            RESOLVE
            + 'failed to authorize: failed to fetch anonymous token: Get "https://auth.example/token": dial tcp '
            "10.0.0.9:443: connect: connection refused",
        ),
        (
            "unreachable",
            RESOLVE
            + "unexpected status from HEAD request to https://reg.example/v2/a/manifests/1: 503 Service Unavailable",
        ),
        (
            "unreachable",
            'pinging container registry reg.example: Get "https://reg.example/v2/": net/http: TLS handshake timeout',
        ),
        (
            "unreachable",
            "Error response from daemon: Get https://reg.example/v2/: net/http: request canceled while waiting for "
            "connection (Client.Timeout exceeded while awaiting headers)",
        ),
        (
            "certificate",
            RESOLVE + 'failed to do request: Head "https://reg.example/v2/": tls: failed to verify certificate: x509: '
            "certificate signed by unknown authority",
        ),
        (
            "certificate",
            RESOLVE
            + 'failed to do request: Head "https://reg.example/v2/": http: server gave HTTP response to HTTPS client',
        ),
        (
            "limited",
            RESOLVE
            + "unexpected status code https://registry-1.docker.io/v2/a/manifests/1: 429 Too Many Requests - Server "
            "message: toomanyrequests: You have reached your pull rate limit",
        ),
        ("platform", UNPACK + "no match for platform in manifest: not found"),
        (
            "platform",
            "choosing image instance: no image found in image index for architecture arm64, variant v8, OS linux",
        ),
        (
            "space",
            UNPACK + "failed to extract layer sha256:aa: write /usr/lib/libcudnn.so: no space left on device: unknown",
        ),
        ("", "something quite new"),
    ],
)
def test_it_tells_why_an_image_is_not_there(variant: str, message: str) -> None:
    finding = found("ErrImagePull", message)
    assert (finding.reason, finding.params["variant"]) == ("ImageUnavailable", variant)
    assert (finding.stuck, finding.ending) == (Stuck.YES, EndReason.IMAGE_UNAVAILABLE)


def test_a_name_is_no_evidence() -> None:
    message = 'failed to resolve reference "reg.example/denied/unauthorized:not-found": reg.example/x: manifest unknown'
    assert found("ErrImagePull", message).params["variant"] == "notFound"


def test_the_kubelets_two_reasons_that_take_turns_read_the_same() -> None:
    message = RESOLVE + "reg.example/team/train:1: not found"
    pulling = found("ErrImagePull", message)
    backing_off = found(
        "ImagePullBackOff", f'Back-off pulling image "reg.example/team/train:1": ErrImagePull: {message}'
    )
    assert pulling == backing_off
    assert pulling.params["image"] == "reg.example/team/train:1"


def test_an_older_kubelet_that_backs_off_says_only_which_image() -> None:
    finding = found("ImagePullBackOff", 'Back-off pulling image "nginx:nope"')
    assert (finding.params["variant"], finding.params["image"]) == ("", "nginx:nope")


@pytest.mark.parametrize(
    ("reason", "message", "variant"),
    [
        (
            "InvalidImageName",
            'Failed to apply default image tag "::bad": couldn\'t parse image name "::bad": invalid reference format',
            "invalid",
        ),
        ("ErrImageNeverPull", 'Container image "train:1" is not present with pull policy of Never', "never"),
    ],
)
def test_what_cannot_be_pulled_anywhere_is_never_waited_for(reason: str, message: str, variant: str) -> None:
    finding = found(reason, message)
    assert (finding.stuck, finding.params["variant"]) == (Stuck.NEVER, variant)
    assert finding.as_ending is not None
    assert finding.as_ending.reason is EndReason.IMAGE_UNAVAILABLE
