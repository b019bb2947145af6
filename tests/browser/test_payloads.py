"""Pages full of what people and programs may write: text, and nothing that breaks their layout."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.browser.reader import Reader
from tests.stack.stack import BASE_DIR, Stack

# Words become neither elements nor titles, and a row of the list stays a row.
MARKUP = "document.querySelectorAll('main b, #content b, img[src=x]').length"
HEIGHTS = "Array.from(document.querySelectorAll('#jobs tbody tr'), (row) => row.offsetHeight)"
HEAD = "document.getElementById('job-head')?.offsetHeight ?? 0"
PRINTED = r"printf '%s\n' '<img src=x>=1' 'step=1 <b>loss</b>=1' 'step=2 loss=2'; head -c 10240 /dev/zero | tr '\0' x"


def run(stack: Stack, *arguments: str) -> str:
    environment = {**os.environ, "DATA_DIR": str(stack.data_dir), "DJANGO_SETTINGS_MODULE": "jobs_platform.settings"}
    command = [sys.executable, "-m", "tests.browser.soiled", *arguments]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def job(stack: Stack) -> Iterator[str]:
    """That has ended, so that nothing of the platform's is written into it any more."""
    api = stack.client()
    body = {"jobName": "soiled", "image": "python:3.11", "command": PRINTED}
    job_id = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    yield job_id
    api.delete(f"/api/jobs/{job_id}")


def pages(job: str) -> list[str]:
    tabs = [f"/jobs/{job}?tab={tab}" for tab in ("metrics", "events", "spec", "audit")]
    return [
        "/",
        f"/jobs/{job}",
        *tabs,
        f"/jobs/{job}/pods/{job}-1-0/logs",
        f"/jobs/compare?ids={job}&all=1",
        f"/jobs/new?from={job}",
        f"/jobs/{job}/delete",
        "/pools",
        "/templates",
        "/account",
        "/admin/",
        f"/admin/jobs/job/?q={job}",
        "/admin/jobs/resourcepool/",
    ]


def test_every_page_keeps_its_shape(stack: Stack, job: str, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.go(f"/jobs/{job}")
    reader.status("Succeeded")
    keys = run(stack, job).split()
    try:
        broken = []
        for path in pages(job):
            reader.go(path)
            for width in (1440, 390):
                page.set_viewport_size({"width": width, "height": 900})
                if reader.overflows():
                    broken.append((path, width))
            assert page.evaluate(MARKUP) == 0, path
            assert page.evaluate(HEAD) < 800, "what follows is still within reach"
            assert max(page.evaluate(HEIGHTS), default=0) <= 48, path
        assert broken == []
    finally:
        run(stack, job, *keys)
