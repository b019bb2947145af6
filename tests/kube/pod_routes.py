"""The subresources of a pod that reach into its node: `log` and `exec`.

Who may is decided before (the server's middlewares): `get` on pods/log; `get` and `create` on pods/exec."""

import time
from datetime import datetime

from aiohttp import web

from tests.kube import errors
from tests.kube.kubelet.channels import PROTOCOLS, Frames
from tests.kube.kubelet.container import Container
from tests.kube.kubelet.exec_session import ExecOptions, ExecSession
from tests.kube.kubelet.kubelet import Kubelet
from tests.kube.kubelet.logread import LogOptions, read_log
from tests.kube.records import Obj
from tests.kube.store import Store

POD = "/api/v1/namespaces/{namespace}/pods/{name}"
WAITING = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
TRUE = ("true", "1", "True", "t", "T", "TRUE")


def routes(store: Store, kubelet: Kubelet) -> list[web.RouteDef]:
    pod_routes = PodRoutes(store, kubelet)
    return [
        web.get(f"{POD}/log", pod_routes.log),
        web.get(f"{POD}/exec", pod_routes.exec),
        web.post(f"{POD}/exec", pod_routes.exec),
    ]


class PodRoutes:
    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self.store, self.kubelet = store, kubelet

    def pod(self, request: web.Request) -> Obj:
        """Raises 404."""
        return self.store.get("pods", request.match_info["namespace"], request.match_info["name"])

    async def log(self, request: web.Request) -> web.StreamResponse:
        pod = self.pod(request)
        options = log_options(request)
        name = container_name(pod, request.query.get("container", ""))
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)
        if flag(request, "previous"):
            raise errors.bad_request(
                f'previous terminated container "{name}" in pod "{pod["metadata"]["name"]}" not found'
            )
        container = self.reachable(pod, name)
        if container is None or container.log is None:
            raise errors.bad_request(why_no_log(pod, name, container))
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
        await response.prepare(request)
        async for text in read_log(container.log, options, self.kubelet.timing, lambda: container.is_over):
            await response.write(text)
        await response.write_eof()
        return response

    def reachable(self, pod: Obj, name: str) -> Container | None:
        """Raises 500 when the node does not answer."""
        if not self.kubelet.node.present.is_set():
            url = f"https://192.0.2.1:10250/{pod['metadata']['namespace']}/{pod['metadata']['name']}/{name}"
            message = f"Internal error occurred: dialing {url}: connect: no route to host"
            raise errors.ApiError(500, "InternalError", message)
        return self.kubelet.container(pod["metadata"]["uid"], name)

    async def exec(self, request: web.Request) -> web.StreamResponse:
        pod = self.pod(request)
        name = container_name(pod, request.query.get("container", ""))
        options = exec_options(request)
        if not pod["spec"].get("nodeName"):
            raise errors.bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise errors.bad_request("Upgrade request required")
        protocols = self.protocols(request)
        container = self.reachable(pod, name)
        if container is None or not container.is_running:
            return web.Response(status=500, text=f'container not found ("{name}")')
        ws = web.WebSocketResponse(protocols=protocols, compress=False, max_msg_size=0)
        await ws.prepare(request)
        await ExecSession(ws, Frames(ws.ws_protocol or ""), options).run(container)
        return ws

    def protocols(self, request: web.Request) -> tuple[str, ...]:
        """Raises 403 without a body, as golang.org/x/net/websocket does when none that is asked for is known."""
        known = tuple(one for one in PROTOCOLS if one not in self.kubelet.without_protocols)
        asked = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if one.strip()]
        if asked and not set(asked) & set(known):
            raise web.HTTPForbidden(text="")
        return known


def container_name(pod: Obj, asked: str) -> str:
    """Raises 400."""
    names = [container["name"] for container in pod["spec"]["containers"]]
    pod_name = pod["metadata"]["name"]
    if not asked:
        if len(names) > 1:
            raise errors.bad_request(
                f"a container name must be specified for pod {pod_name}, choose one of: [{' '.join(names)}]"
            )
        return str(names[0])
    if asked not in names:
        raise errors.bad_request(f"container {asked} is not valid for pod {pod_name}")
    return asked


def why_no_log(pod: Obj, name: str, container: Container | None) -> str:
    """The kubelet's own words (validateContainerLogStatus)."""
    where = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
    state = container.state if container is not None else {}
    if "waiting" in state or container is None:
        reason = state.get("waiting", {}).get("reason", "ContainerCreating")
        return f"{where} is waiting to start: {WAITING.get(reason, reason)}"
    return f"{where} is terminated"


def log_options(request: web.Request) -> LogOptions:
    """Raises 400 and 422."""
    query = request.query
    seconds, since = number(request, "sinceSeconds", 1), query.get("sinceTime", "")
    if seconds is not None and since:
        cause = ("", "FieldValueForbidden", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified")
        raise errors.invalid("PodLogOptions", "", "", [cause])
    since_ns = whole_seconds(since) if since else None
    if seconds is not None:
        since_ns = time.time_ns() - seconds * 1_000_000_000
    return LogOptions(
        follow=flag(request, "follow"),
        since_ns=since_ns,
        tail=number(request, "tailLines", 0),
        limit=number(request, "limitBytes", 1),
        timestamps=flag(request, "timestamps"),
    )


def whole_seconds(text: str) -> int:
    """metav1.Time has whole seconds: the rest is cut off. Raises 400."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as exc:
        raise errors.bad_request(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from exc
    if at.tzinfo is None:
        raise errors.bad_request(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"')
    return int(at.timestamp() // 1) * 1_000_000_000


def number(request: web.Request, name: str, least: int) -> int | None:
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        value = int(text)
    except ValueError as exc:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from exc
    if value < least:
        message = f"Invalid value: {value}: must be greater than {'or equal to ' if least == 0 else ''}0"
        raise errors.invalid("PodLogOptions", "", "", [(name, "FieldValueInvalid", message)])
    return value


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "") in TRUE


def exec_options(request: web.Request) -> ExecOptions:
    """Raises 400."""
    command = request.query.getall("command", [])
    options = ExecOptions(
        command,
        stdin=flag(request, "stdin"),
        stdout=flag(request, "stdout"),
        stderr=flag(request, "stderr"),
        tty=flag(request, "tty"),
    )
    if not command:
        raise errors.bad_request("you must specify at least 1 command for the container")
    if not (options.stdin or options.stdout or options.stderr):
        raise errors.bad_request("you must specify at least 1 of stdin, stdout, stderr")
    return options
