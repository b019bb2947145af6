"""The double as a process: `python -m tests.kube --port 0 --kubeconfig PATH [--simulate] [--kueue]`.

Prints its address when it is ready, and ends on SIGTERM and SIGINT."""

import argparse
import asyncio
import gc
import signal
import sys
from pathlib import Path

from tests.kube.control_plane import ControlPlane, Settings
from tests.kube.nodes import NodeSpec
from tests.kube.timing import Timing

HUGE = NodeSpec(cpu="1000000", memory="1000Ti", pods="1000000", extended={"nvidia.com/gpu": "1000000"})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kube")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="where to write how to reach it")
    parser.add_argument("--namespace", default="training")
    parser.add_argument("--pod-security", default="baseline", choices=("privileged", "baseline", "restricted"))
    parser.add_argument("--simulate", action="store_true", help="pods without processes, on a node without limits")
    parser.add_argument("--start-seconds", type=float, default=0.0, help="of a simulated pod, from bound to running")
    parser.add_argument("--stop-seconds", type=float, default=0.0, help="of a simulated pod, from deleted to gone")
    parser.add_argument("--plain", action="store_true", help="HTTP instead of HTTPS (kubectl sends no token then)")
    parser.add_argument("--kueue", action="store_true")
    return parser.parse_args()


async def main(given: argparse.Namespace) -> None:
    settings = Settings(
        namespace=given.namespace,
        pod_security=given.pod_security,
        port=given.port,
        tls=not given.plain,
        simulate=given.simulate,
        kueue=given.kueue,
        node=HUGE if given.simulate else NodeSpec(),
        timing=Timing(start=given.start_seconds, stop=given.stop_seconds),
    )
    plane = ControlPlane(settings)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    gc.set_threshold(200_000, 20, 20)  # tens of thousands of objects stay: looking through them often only costs
    await plane.start()
    plane.write_kubeconfig(given.kubeconfig)
    sys.stdout.write(f"{plane.url}\n")
    sys.stdout.flush()
    await over.wait()
    await plane.stop()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
