"""Where a pool's API server is and with what credentials it is asked: the one place that reads kubeconfigs.

A configuration is read once and refreshed by the official client's own hooks (tokens of a service account or of an
exec plugin expire). The synchronous and the asynchronous client each have their own."""

from dataclasses import dataclass
from pathlib import Path

from jobs.cluster.kubernetes.options import PoolOptions


@dataclass(frozen=True, slots=True)
class Access:
    """Everything needed to reach one pool's cluster."""

    options: PoolOptions
    kubeconfig_dir: Path
    connect_seconds: float
    read_seconds: float

    @property
    def kubeconfig(self) -> Path | None:
        """None: the service account of the platform's own pod."""
        return self.kubeconfig_dir / self.options.kubeconfig if self.options.kubeconfig else None
