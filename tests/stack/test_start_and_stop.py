"""The launcher: one command starts everything, and nothing is left when it ends, however it ends."""

import signal
import stat
from pathlib import Path

from tests.stack.stack import SERVICES, Stack, free_port, wait_until


def test_it_starts_every_service_and_says_where_it_is(stack: Stack) -> None:
    assert all(stack.pid(service) for service in SERVICES)
    assert stack.url in stack.output
    assert str(stack.data_dir) in stack.output
    assert stack.readiness()["status"] == "ready"


def test_the_first_admin_can_log_in(stack: Stack) -> None:
    assert stack.client().get("/api/auth/me").json()["data"]["username"] == "admin"


def test_secrets_are_readable_by_their_owner_alone(stack: Stack) -> None:
    assert stat.S_IMODE((stack.data_dir / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((stack.data_dir / "run").stat().st_mode) == 0o700


def test_ctrl_c_stops_everything(own_stack: Stack) -> None:
    own_stack.start()
    assert own_stack.stop(signal.SIGINT) == 0
    assert not own_stack.survivors()


def test_kill_9_of_the_launcher_leaves_no_process(own_stack: Stack) -> None:
    own_stack.start()
    assert own_stack.launcher is not None
    own_stack.launcher.kill()
    own_stack.launcher.wait()
    wait_until(lambda: not own_stack.survivors(), 5.0, "the end of every service")


def test_a_second_start_keeps_everything(own_stack: Stack) -> None:
    own_stack.start()
    key = (own_stack.data_dir / "secret_key").read_bytes()
    token = own_stack.client().post("/api/auth/tokens", json={"name": "kept"}).json()["data"]["token"]
    own_stack.stop()
    first_password, own_stack.password = own_stack.password, "another password"
    own_stack.start()
    assert (own_stack.data_dir / "secret_key").read_bytes() == key
    assert own_stack.client(password=first_password).get("/api/auth/me").status_code == 200
    assert own_stack.anonymous().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_generated_password_is_printed_once_and_works(own_stack: Stack) -> None:
    own_stack.environment["ADMIN_PASSWORD"] = ""
    own_stack.start()
    (line,) = [line for line in own_stack.output.splitlines() if "First log-in" in line]
    password = line.split("the password ")[1].split(" ")[0]
    assert own_stack.client(password=password).get("/api/auth/me").status_code == 200
    own_stack.stop()
    own_stack.start()
    assert "First log-in" not in own_stack.output


def test_two_instances_run_side_by_side(stack: Stack, own_stack: Stack) -> None:
    own_stack.start()
    assert own_stack.url != stack.url
    assert own_stack.readiness()["status"] == stack.readiness()["status"] == "ready"
    refused = stack.anonymous().post("/api/auth/token", json={"username": "admin", "password": own_stack.password})
    assert refused.status_code == 401


def refusal(second: Stack, log: Path) -> str:
    with log.open("wb") as file:
        assert second.spawn(file).wait(20) == 1
    return log.read_text()


def test_a_second_launcher_on_the_same_data_is_refused(stack: Stack, tmp_path: Path) -> None:
    text = refusal(Stack(stack.data_dir, port=free_port(), password="x"), tmp_path / "log")
    assert "already runs" in text
    assert "DATA_DIR" in text
    assert stack.readiness()["status"] == "ready"


def test_a_port_in_use_is_refused_with_its_number(stack: Stack, tmp_path: Path) -> None:
    text = refusal(Stack(tmp_path / "data", port=stack.port), tmp_path / "log")
    assert f"port {stack.port}" in text
    assert "Traceback" not in text


def test_a_wrong_setting_is_refused_by_name(tmp_path: Path) -> None:
    text = refusal(Stack(tmp_path / "data", environment={"PORT": "eighty"}), tmp_path / "log")
    assert "PORT" in text
    assert "Traceback" not in text
