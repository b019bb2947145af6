"""What holds up a pod on its machine: volumes, from the kubelet's and the attach controller's events. Pure.

"MountVolume.SetUp failed for volume "data" : configmap "x" not found", "Unable to attach or mount volumes: unmounted
volumes=[data], …: timed out waiting for the condition", "AttachVolume.Attach failed for volume "pvc-…" : …"
(kubernetes' pkg/kubelet/volumemanager and pkg/volume/util/operationexecutor).
"""

import re
from collections.abc import Sequence

from jobs.cluster.base import Notice
from jobs.cluster.diagnosis.configuration import config_variant
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Finding, Stuck
from jobs.states import EndReason

REASONS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
VOLUME = re.compile(r'for volume "([^"]+)"|unmounted volumes=\[([^\]]*)\]')
ELSEWHERE = re.compile(r"Multi-Attach error", re.I)


def volume_finding(notices: Sequence[Notice]) -> Finding | None:
    """From the newest that says what is wrong: the kubelet's summary that follows it only says that time ran out."""
    failed = sorted((one for one in notices if one.reason in REASONS), key=lambda one: one.at, reverse=True)
    if not failed:
        return None
    told = next((one for one in failed if "timed out waiting for the condition" not in one.message), failed[0])
    if missing := config_variant(told.message):
        return Finding("ConfigError", missing, Stuck.YES, EndReason.REJECTED)
    message = told.message[:READ]
    found = VOLUME.search(message)
    params = {
        "variant": "elsewhere" if ELSEWHERE.search(message) else "mount",
        "volume": excerpt(found[1] or found[2]) if found else "",
        "detail": excerpt(message),
    }
    return Finding("VolumeUnavailable", params)
