"""Pod security standards, levels baseline and restricted (Kubernetes: "Pod Security Standards")."""

from collections.abc import Iterator
from typing import Any

from tests.kube import errors
from tests.kube.records import Obj
from tests.kube.store import Store

ENFORCE = "pod-security.kubernetes.io/enforce"
BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
RESTRICTED_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip


def check_pod_security(store: Store, pod: Obj) -> None:
    """Raises 403 in the words of the plugin."""
    namespace = store.find("namespaces", "", pod["metadata"]["namespace"]) or {"metadata": {}}
    level = (namespace["metadata"].get("labels") or {}).get(ENFORCE, "privileged")
    if level == "privileged":
        return
    found = list(baseline(pod["spec"]))
    if level == "restricted":
        found += restricted(pod["spec"])
    if found:
        why = f'violates PodSecurity "{level}:latest": {", ".join(found)}'
        raise errors.forbidden("pods", pod["metadata"]["name"], why)


def containers(spec: Obj) -> list[Obj]:
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def named(found: list[Obj]) -> str:
    names = ", ".join(f'"{each["name"]}"' for each in found)
    return f"container{'s' if len(found) > 1 else ''} {names}"


def context(container: Obj) -> dict[str, Any]:
    return container.get("securityContext") or {}


def baseline(spec: Obj) -> Iterator[str]:
    if spaces := [f"{each}=true" for each in ("hostNetwork", "hostPID", "hostIPC") if spec.get(each)]:
        yield f"host namespaces ({', '.join(spaces)})"
    if found := [each for each in containers(spec) if context(each).get("privileged")]:
        yield f"privileged ({named(found)} must not set securityContext.privileged=true)"
    if volumes := [each["name"] for each in spec.get("volumes") or () if each.get("hostPath")]:
        names = ", ".join(f'"{each}"' for each in volumes)
        yield f"hostPath volumes (volume{'s' if len(volumes) > 1 else ''} {names})"
    ports = [each for each in containers(spec) if any(port.get("hostPort") for port in each.get("ports") or ())]
    if ports:
        yield f"hostPort ({named(ports)} uses hostPorts)"
    for each in containers(spec):
        extra = set((context(each).get("capabilities") or {}).get("add") or ()) - BASELINE_CAPABILITIES
        if extra:
            listed = ", ".join(f'"{name}"' for name in sorted(extra))
            where = "securityContext.capabilities.add"
            yield f"non-default capabilities ({named([each])} must not include {listed} in {where})"
    if (spec.get("securityContext") or {}).get("seccompProfile", {}).get("type") == "Unconfined":
        yield 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'


def restricted(spec: Obj) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    every = containers(spec)
    if found := [each for each in every if context(each).get("allowPrivilegeEscalation") is not False]:
        text = "must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({named(found)} {text})"
    if found := [each for each in every if "ALL" not in ((context(each).get("capabilities") or {}).get("drop") or ())]:
        yield f'unrestricted capabilities ({named(found)} must set securityContext.capabilities.drop=["ALL"])'
    volumes = spec.get("volumes") or ()
    if kinds := sorted({kind for each in volumes for kind in each if kind != "name"} - RESTRICTED_VOLUMES):
        yield f"restricted volume types (use restricted volume types {', '.join(kinds)})"
    if not pod.get("runAsNonRoot") and (found := [each for each in every if not context(each).get("runAsNonRoot")]):
        yield f"runAsNonRoot != true (pod or {named(found)} must set securityContext.runAsNonRoot=true)"
    if pod.get("runAsUser") == 0 or any(context(each).get("runAsUser") == 0 for each in every):
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    allowed = ("RuntimeDefault", "Localhost")
    if (pod.get("seccompProfile") or {}).get("type") not in allowed:
        found = [each for each in every if (context(each).get("seccompProfile") or {}).get("type") not in allowed]
        if found:
            text = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
            yield f"seccompProfile (pod or {named(found)} {text})"
