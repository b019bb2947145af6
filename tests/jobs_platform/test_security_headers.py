"""Security headers on every answer, and a policy with a fresh nonce for every page."""

import re

import pytest
from django.test import Client

NONCE = re.compile(r"'nonce-([\w-]{22,})'")


def policy(client: Client, path: str, host: str = "localhost") -> dict[str, str]:
    """The directives of the answer's Content-Security-Policy."""
    text = client.get(path, headers={"host": host})["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


@pytest.mark.parametrize("path", ["/login", "/healthz", "/admin/login/", "/api/docs", "/api/jobs", "/nothing"])
def test_every_answer_has_them(client: Client, db: None, path: str) -> None:
    answer = client.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_page_runs_no_inline_script_or_style(client: Client, db: None) -> None:
    directives = policy(client, "/login")
    assert "unsafe" not in directives["script-src"]
    assert directives["style-src"] == "'self'"
    assert directives["object-src"] == "'none'"
    assert directives["base-uri"] == "'none'"


def test_each_page_has_its_own_nonce_which_its_scripts_carry(client: Client, db: None) -> None:
    answers = [client.get("/login") for _ in range(2)]
    nonces = [NONCE.search(answer["Content-Security-Policy"]) for answer in answers]
    assert nonces[0] and nonces[1]
    assert nonces[0][1] != nonces[1][1]
    for answer, nonce in zip(answers, nonces, strict=True):
        scripts = re.findall(r"<script[^>]*>", answer.content.decode())
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in script for script in scripts if nonce)


def test_the_admin_may_evaluate_and_nothing_else_may(client: Client, db: None) -> None:
    assert "'unsafe-eval'" in policy(client, "/admin/login/")["script-src"]
    assert "'unsafe-inline'" not in policy(client, "/admin/login/")["script-src"]
    assert "'unsafe-eval'" not in policy(client, "/api/docs")["script-src"]


def test_sockets_are_allowed_to_this_host_alone(client: Client, db: None) -> None:
    assert (
        policy(client, "/login", "localhost:8080")["connect-src"] == "'self' ws://localhost:8080 wss://localhost:8080"
    )


def test_a_host_that_is_no_name_is_not_put_into_the_policy(client: Client, db: None) -> None:
    assert policy(client, "/healthz", "x; script-src *")["connect-src"] == "'self'"


def test_the_api_may_load_nothing(client: Client, db: None) -> None:
    assert policy(client, "/api/jobs") == {"default-src": "'none'", "frame-ancestors": "'none'"}
