"""The part of the double that runs pods: each container's command as a real process of this machine."""

from tests.kube.kubelet.kubelet import Kubelet
from tests.kube.kubelet.timing import Timing

__all__ = ["Kubelet", "Timing"]
