"""The production stack as docker-compose.yml describes it, through its proxy: TLS, streams, terminals, restarts."""

import json
import signal
import ssl
from collections.abc import Iterator

import pytest
import requests
import websockets.sync.client

from tests import postgresql
from tests.kube.server import ApiServer
from tests.processes import wait_until
from tests.stack.composed import Composed

COUNT = 40
PRINTER = ["/bin/sh", "-c", f"i=0; while [ $i -lt {COUNT} ]; do echo line $i; i=$((i+1)); sleep 0.1; done"]


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    directory = tmp_path_factory.mktemp("composed")
    with postgresql.server() as database_url, ApiServer() as cluster:
        stack = Composed(directory, database_url)
        try:
            stack.start()
            cluster.kubeconfig(directory / "kubeconfigs" / "training.yaml")
            named = ("--kubeconfig", "training.yaml", "--namespace", cluster.namespace, "--default")
            stack.manage("add_pool", "training", *named)
            wait_until(lambda: "ready" in state_of_pool(stack), 30, "the watch of the pool")
            yield stack
        finally:
            stack.close()


def state_of_pool(stack: Composed) -> str:
    found = session(stack).get(f"{stack.url}/readyz").json()["pools"]
    return str(found.get("training", {}).get("status", ""))


def session(stack: Composed, *, logged_in: bool = False) -> requests.Session:
    client = requests.Session()
    client.verify = str(stack.authority)
    client.trust_env = False
    client.headers["Accept-Language"] = "en"
    if logged_in:
        body = {"username": "admin", "password": stack.admin_password}
        answer = client.post(f"{stack.url}/api/auth/token", json=body)
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['data']['access']}"
    return client


def create(stack: Composed, client: requests.Session, command: list[str]) -> str:
    body = {"jobName": "through-the-proxy", "image": "any", "command": command}
    answer = client.post(f"{stack.url}/api/jobs/create", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["jobId"])


def status(stack: Composed, client: requests.Session, job_id: str) -> str:
    return str(client.get(f"{stack.url}/api/jobs/{job_id}").json()["data"]["status"])


def test_plain_http_is_sent_to_https(composed: Composed) -> None:
    answer = requests.get(f"http://localhost:{composed.http_port}/", allow_redirects=False, timeout=5)
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://localhost")


def test_cookies_travel_over_tls_alone(composed: Composed) -> None:
    answer = session(composed).get(f"{composed.url}/login")
    assert answer.status_code == 200
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_body_that_is_too_large_is_refused(composed: Composed) -> None:
    answer = session(composed, logged_in=True).post(f"{composed.url}/api/jobs/create", data=b" " * (3 << 20))
    assert answer.status_code == 413


def test_a_log_is_followed_through_the_restart_of_every_web_process(composed: Composed) -> None:
    client = session(composed, logged_in=True)
    job_id = create(composed, client, PRINTER)
    address = f"{composed.url}/api/jobs/{job_id}/pods/{job_id}-1-0/logs?follow=true"
    lines: list[str] = []
    cursor, ended, restarted = "", False, 0
    while not ended:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": cursor} if cursor else {})
        try:
            with client.get(address, headers=headers, stream=True, timeout=30) as stream:
                for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
                    if line.startswith("id: "):
                        cursor, batch = line[4:], list[str]()
                    elif line.startswith("data: line"):
                        batch.append(line[6:])
                    elif not line and cursor and batch:
                        lines, batch = [*lines, *batch], []
                    ended = ended or line == "event: end"
                    if len(lines) >= 10 * (restarted + 1) and restarted < 2:
                        assert composed.stop(f"web-{restarted}") in (0, -signal.SIGTERM)
                        composed.start_web(restarted)
                        restarted += 1
        except requests.RequestException:
            continue
    assert restarted == 2
    assert lines == [f"line {number}" for number in range(COUNT)]
    wait_until(lambda: status(composed, client, job_id) == "Succeeded", 20, "the job's end")


def test_a_terminal_opens_through_the_proxy(composed: Composed) -> None:
    client = session(composed, logged_in=True)
    job_id = create(composed, client, ["sleep", "120"])
    wait_until(lambda: status(composed, client, job_id) == "Running", 30, "the job's start")
    found = client.get(f"{composed.url}/api/jobs/{job_id}/pods/{job_id}-1-0/webterminal").json()
    address = found["data"]["webTerminalUrl"]
    assert address.startswith("wss://localhost")
    trust = ssl.create_default_context(cafile=str(composed.authority))
    with websockets.sync.client.connect(address, ssl=trust, proxy=None) as terminal:
        ready = json.loads(terminal.recv(timeout=20))
        assert ready["operation"] == "ready"
        terminal.send(b"echo $((40 + 2))-through; exit\n")
        seen = b""
        while b"42-through" not in seen:
            frame = terminal.recv(timeout=20)
            seen += frame if isinstance(frame, bytes) else b""
    assert client.delete(f"{composed.url}/api/jobs/{job_id}").status_code == 200


def test_the_doctor_finds_nothing_to_put_right(composed: Composed) -> None:
    said = composed.manage("doctor")
    assert "PROBLEM" not in said
    for subject in ("database", "Redis", "worker", "disk", "secrets", "accounts", "due jobs", "pool training"):
        assert f"OK       {subject} " in said, said


def test_what_our_processes_say_is_json(composed: Composed) -> None:
    for name in ("web-0", "web-1", "worker", "beat", "agent"):
        for line in (composed.directory / f"{name}.log").read_text().splitlines():
            assert line.startswith('{"time":'), f"{name}: {line}"
            assert json.loads(line)["level"]


def test_every_process_ends_in_order_when_told(composed: Composed) -> None:
    for name in ("proxy", "web-0", "web-1", "worker", "beat", "agent"):
        assert composed.stop(name) in (0, -signal.SIGTERM), (composed.directory / f"{name}.log").read_text()
