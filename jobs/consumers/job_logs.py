"""The WebSocket of a job's log: the same path and parameters as over HTTP. A pod's, but for what is sent."""

from contextlib import aclosing
from dataclasses import replace
from typing import Any

from django.http import QueryDict

from jobs.api import job_log_query
from jobs.api.job_log_query import JobLogRequest
from jobs.api.job_log_streams import authorised, final_status
from jobs.api.job_log_target import JobTarget, find_job_target
from jobs.api.log_target import in_database
from jobs.consumers.logs import LogsConsumer
from jobs.logs.merged import protocol
from jobs.logs.merged.cursor import encode
from jobs.logs.merged.follow import Batch
from jobs.logs.protocol import CloseCode, End

REMEMBERED = 4096  # messages that were sent, and may be acknowledged yet


class JobLogsConsumer(LogsConsumer):
    """What was acknowledged is counted in bytes that were sent, since a cursor of many logs is no number."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sent_bytes = 0
        self.unacknowledged: dict[str, int] = {}  # cursors that were sent, and how much with them and before

    def acknowledge(self, text: str) -> None:
        """A cursor that was not sent, or long ago, has no effect."""
        reached = self.unacknowledged.pop(protocol.parse(text), None)
        if reached is not None:
            self.acknowledged = max(self.acknowledged or 0, reached)
            self.news.set()

    async def stream(self, job_id: str) -> None:  # type: ignore[override]  # the path names no pod
        wanted = job_log_query.read(QueryDict(self.scope["query_string"]), following=True)
        wanted = replace(wanted, follow=True)
        target = await in_database(self.find_job, job_id, wanted)
        source = authorised(target, wanted, self.scope["credential"].key)
        async with aclosing(source) as batches:
            async for batch in batches:
                if batch.lines:
                    await self.send_batch(batch)
        await self.tell(End(await final_status(target)))
        await self.close(code=int(CloseCode.END))

    def find_job(self, job_id: str, wanted: JobLogRequest) -> JobTarget:
        return find_job_target(actor=self.scope["user"], job_id=job_id, wanted=wanted)

    async def send_batch(self, batch: Batch) -> None:
        cursor = encode(batch.cursor)
        message = protocol.message(batch, cursor)
        self.sent_bytes += len(message)
        await self.wait_for_room(self.sent_bytes)
        if len(self.unacknowledged) >= REMEMBERED:
            del self.unacknowledged[next(iter(self.unacknowledged))]
        self.unacknowledged[cursor] = self.sent_bytes
        await self.send(text_data=message)
