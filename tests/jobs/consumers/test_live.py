"""What open pages are told over the live channel, through the real log-in and routing and a real Redis."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Membership, User
from accounts.ws_auth import WebSocketAuthMiddleware
from jobs import broker, news, services, wakeups
from jobs.api.log_target import in_database
from jobs.consumers.live import consumer, hub
from jobs.consumers.live.protocol import MOST_TOPICS
from jobs.models import Job, Queue, ResourcePool
from jobs.reconcile import loop
from jobs.routing import websocket_urlpatterns
from jobs.services import Origin
from jobs_platform.launcher import redis_server
from tests.admin_site import logged_in, page_url
from tests.jobs.conftest import submit
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATION = WebSocketAuthMiddleware(URLRouter(websocket_urlpatterns))
HOST = [(b"host", b"testserver:8080"), (b"accept-language", b"en")]
SECONDS = 20.0


class Redis:
    """One that can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.socket.parent)]
        self.process = subprocess.Popen([str(redis_server.binary()), *options], stdout=subprocess.DEVNULL)
        wait_until(self.socket.exists, SECONDS, "Redis' socket")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.socket.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(autouse=True)
def redis(server: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    settings.REDIS_URL = f"unix://{server.socket}"
    monkeypatch.setattr(broker, "_closed_until", 0.0)
    monkeypatch.setattr(wakeups, "publish", lambda _pool: None)
    monkeypatch.setattr(hub, "AWAY_SECONDS", 0.05)
    broker.client.cache_clear()
    yield server
    broker.client.cache_clear()


class Page:
    """One open page: the jobs and pools it was told of, how often it was told to read everything, the close code."""

    def __init__(self, topics: str, *, token: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        bearer = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self.socket = WebsocketCommunicator(
            APPLICATION, f"/ws/live?topics={topics}", headers=[*HOST, *bearer, *headers]
        )
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pools: set[str] = set()
        self.refreshes = 0
        self.watching: list[str] | None = None
        self.errors: list[str] = []
        self.heartbeats = 0
        self.closed: int | None = None

    async def open(self, *, first: bool = True) -> "Page":
        """Until it watches and Redis is listened to, which the first page is told of."""
        accepted, _ = await self.socket.connect(timeout=SECONDS)
        assert accepted
        await self.until(lambda: self.watching is not None and self.refreshes >= first)
        return self

    async def next(self) -> None:
        output = await self.socket.receive_output(SECONDS)
        if output["type"] == "websocket.close":
            self.closed = output["code"]
            return
        message = json.loads(output["text"])
        match message["operation"]:
            case "watching":
                self.watching = message["topics"]
            case "refresh":
                self.refreshes += 1
            case "heartbeat":
                self.heartbeats += 1
            case "error":
                self.errors.append(message["code"])
            case "changed":
                self.jobs.update({one["jobId"]: one for one in message["jobs"]})
                self.pools.update(message["pools"])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                assert self.closed is None, self.errors
                await self.next()

    async def refused(self) -> int:
        await self.socket.connect(timeout=SECONDS)
        return await self.until_closed()

    async def until_closed(self) -> int:
        async with asyncio.timeout(SECONDS):
            while self.closed is None:
                await self.next()
        return self.closed

    async def watch(self, *topics: str) -> None:
        self.watching = None
        await self.socket.send_to(text_data=json.dumps({"operation": "watch", "topics": topics}))
        await self.until(lambda: self.watching is not None)

    async def leave(self) -> None:
        await self.socket.disconnect()


@pytest.fixture
def token(bob: User) -> str:
    return ApiToken.issue(user=bob, name="test")[1]


def operate(act: str, queue: Queue) -> None:
    """In the operators' pages."""
    client = logged_in(User.objects.create_superuser("root"))
    limit = {"max_running_jobs": "1", "priority": "1", "enabled": "on"}
    none = {"options": "{}", "enabled": "on", "queues-TOTAL_FORMS": "0", "queues-INITIAL_FORMS": "0"}
    address, form = {
        "drain": (
            page_url(ResourcePool, "changelist"),
            {"action": "drain", ACTION_CHECKBOX_NAME: [queue.pool_id], "confirmed": "yes"},
        ),
        "change": (page_url(ResourcePool, "change", queue.pool_id), none),
        "queue": (page_url(Queue, "change", queue.pk), limit),
    }[act]
    assert client.post(address, form).status_code == 302


class TestNews:
    async def test_a_new_job_and_its_stop_are_told(self, bob: User, queue: Queue, token: str) -> None:
        page = await Page("jobs", token=token).open()
        job = await in_database(submit, bob)
        await page.until(lambda: job.public_id in page.jobs)
        assert page.jobs[job.public_id] == {
            "jobId": job.public_id, "status": "Pending", "version": 1, "deleted": False,
        }  # fmt: skip
        await in_database(lambda: services.stop(actor=bob, public_id=job.public_id, origin=Origin()))
        await page.until(lambda: page.jobs[job.public_id]["status"] == "Stopping")
        await page.leave()

    async def test_what_the_worker_does_is_told(self, job: Job, token: str) -> None:
        page = await Page("jobs", token=token).open()
        await in_database(loop.run_pass, job.pool)
        await page.until(lambda: job.public_id in page.jobs and page.jobs[job.public_id]["version"] > 1)
        await page.leave()

    async def test_a_deleted_job_is_told_as_deleted(self, bob: User, job: Job, token: str) -> None:
        page = await Page("jobs", token=token).open()
        await in_database(lambda: services.delete(actor=bob, public_id=job.public_id, origin=Origin()))
        await page.until(lambda: page.jobs.get(job.public_id, {}).get("deleted", False))
        await page.leave()

    async def test_jobs_of_other_projects_are_not_told(self, bob: User, job: Job, mallory: User, token: str) -> None:
        mine = await Page("jobs", token=token).open()
        other = await in_database(lambda: ApiToken.issue(user=mallory, name="test")[1])
        hers = await Page("jobs", token=other).open(first=False)
        theirs = await in_database(submit, mallory)
        await hers.until(lambda: theirs.public_id in hers.jobs)
        await in_database(news.of_jobs, [job.pk, theirs.pk])
        await mine.until(lambda: job.public_id in mine.jobs)
        assert set(mine.jobs) == {job.public_id}
        await mine.leave()
        await hers.leave()

    async def test_one_job_can_be_watched_alone(self, bob: User, job: Job, token: str) -> None:
        page = await Page(f"job:{job.public_id}", token=token).open()
        another = await in_database(submit, bob)
        await in_database(news.of_jobs, [another.pk])
        await in_database(news.of_jobs, [job.pk])
        await page.until(lambda: bool(page.jobs))
        assert set(page.jobs) == {job.public_id}
        await page.leave()

    async def test_pools_are_told_of_what_happens_in_them(self, job: Job, token: str) -> None:
        page = await Page("pools", token=token).open()
        await in_database(news.of_pools, [job.pool_id])
        await page.until(lambda: page.pools == {"local"})
        page.pools.clear()
        await in_database(news.of_jobs, [job.pk])
        await page.until(lambda: page.pools == {"local"})
        assert page.jobs == {}
        await page.leave()

    @pytest.mark.parametrize("act", ["drain", "change", "queue"])
    async def test_what_an_operator_does_to_a_pool_is_told(self, act: str, queue: Queue, token: str) -> None:
        page = await Page("pools", token=token).open()
        await in_database(operate, act, queue)
        await page.until(lambda: page.pools == {"local"})
        await page.leave()

    async def test_topics_can_be_changed(self, job: Job, token: str) -> None:
        page = await Page("", token=token).open()
        await page.watch("jobs", "pools")
        await in_database(news.of_jobs, [job.pk])
        await page.until(lambda: job.public_id in page.jobs and page.pools == {"local"})
        await page.leave()

    async def test_a_burst_is_one_message_to_read_everything(
        self, job: Job, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "MOST_AT_ONCE", 2)
        page = await Page("jobs", token=token).open()
        before = page.refreshes
        await in_database(news.of_jobs, [job.pk, job.pk + 1, job.pk + 2])
        await page.until(lambda: page.refreshes > before)
        assert page.jobs == {}
        await page.leave()

    async def test_a_rolled_back_change_is_not_told(self, job: Job, token: str) -> None:
        from django.db import transaction

        def half() -> None:
            with transaction.atomic():
                Job.objects.filter(pk=job.pk).update(name="half")
                news.of_jobs([job.pk])
                transaction.set_rollback(True)

        page = await Page("jobs,pools", token=token).open()
        await in_database(half)
        await in_database(news.of_pools, [job.pool_id])
        await page.until(lambda: bool(page.pools))
        assert page.jobs == {}
        await page.leave()

    async def test_it_beats(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(consumer, "HEARTBEAT_SECONDS", 0.01)
        page = await Page("jobs", token=token).open()
        await page.until(lambda: page.heartbeats > 1)
        await page.leave()


class TestWithoutRedis:
    async def test_pages_read_everything_until_it_is_back(self, job: Job, token: str, redis: Redis) -> None:
        page = await Page("jobs", token=token).open()
        redis.kill()
        try:
            before = page.refreshes
            await page.until(lambda: page.refreshes > before + 1)
            await in_database(news.of_jobs, [job.pk])  # nobody hears it, and nobody waits
        finally:
            redis.start()
        await asyncio.to_thread(broker.client.cache_clear)
        broker._closed_until = 0.0

        async def told() -> None:
            while job.public_id not in page.jobs:
                await in_database(news.of_jobs, [job.pk])
                await page.next()

        await asyncio.wait_for(told(), SECONDS)
        await page.leave()


class TestAuthority:
    async def test_nobody_is_told_nothing(self, db: None) -> None:
        page = Page("jobs")
        assert await page.refused() == 4401
        assert page.errors == ["NOT_AUTHENTICATED"]

    async def test_another_sites_page_is_told_nothing(self, bob: User) -> None:
        client = Client()
        await in_database(client.force_login, bob)
        cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
        page = Page("jobs", headers=((b"cookie", cookie), (b"origin", b"https://elsewhere.example")))
        assert await page.refused() == 4403
        own = await Page("jobs", headers=((b"cookie", cookie), (b"origin", b"http://testserver:8080"))).open()
        await own.leave()

    async def test_a_job_that_is_not_seen_cannot_be_watched(self, job: Job, mallory: User) -> None:
        token = await in_database(lambda: ApiToken.issue(user=mallory, name="test")[1])
        page = Page(f"job:{job.public_id}", token=token)
        assert await page.refused() == 4404
        assert page.errors == ["JOB_NOT_FOUND"]

    async def test_who_is_logged_out_is_cut_off(self, bob: User, token: str, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 1
        page = await Page("jobs", token=token).open()
        await in_database(lambda: ApiToken.objects.update(revoked_at=timezone.now()))
        assert await page.until_closed() == 4401

    async def test_who_leaves_the_project_is_not_told_of_its_jobs_any_more(
        self, bob: User, job: Job, token: str, settings: Any
    ) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 1
        page = await Page("jobs,pools", token=token).open()
        before = page.refreshes
        await in_database(lambda: Membership.objects.filter(user=bob).delete())
        await page.until(lambda: page.refreshes > before)
        await in_database(news.of_jobs, [job.pk])
        await page.until(lambda: bool(page.pools))
        assert page.jobs == {}
        await page.leave()

    async def test_who_loses_a_watched_job_is_cut_off(self, bob: User, job: Job, token: str, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 1
        page = await Page(f"job:{job.public_id}", token=token).open()
        await in_database(lambda: Membership.objects.filter(user=bob).delete())
        assert await page.until_closed() == 4404


class TestEnd:
    async def test_what_takes_a_cancellation_for_itself_is_told_again(self, db: None) -> None:
        begun = asyncio.Event()

        async def stubborn() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.Event().wait()

        task = asyncio.create_task(stubborn())
        await begun.wait()
        await asyncio.wait_for(hub.end({task}), SECONDS)
        assert task.cancelled()


class TestMessages:
    @pytest.mark.parametrize(
        "text",
        ["null", "[]", '"watch"', '{"operation": "watch"}', '{"operation": "watch", "topics": "jobs"}',
         '{"operation": "watch", "topics": [1]}', '{"operation": "ack", "topics": []}', "[" * 5000,
         '{"operation": "watch", "topics": ["job:job-"]}', '{"operation": "watch", "topics": ["everything"]}',
         json.dumps({"operation": "watch", "topics": ["jobs"] * (MOST_TOPICS + 1)})],
    )  # fmt: skip
    async def test_what_is_no_message_closes_the_connection(self, token: str, text: str) -> None:
        page = await Page("jobs", token=token).open()
        await page.socket.send_to(text_data=text)
        assert await page.until_closed() == 4400
        assert page.errors == ["VALIDATION_ERROR"]
