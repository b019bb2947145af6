"""The agent: one asyncio process that watches its pools. It may die at any moment: what it holds can be had again."""

import asyncio
import signal
from collections.abc import Sequence

from jobs.agent.lanes import Lanes
from jobs.agent.roster import Roster
from jobs.agent.standin import stand_in_for_ever


async def run(named: Sequence[str]) -> None:
    """Watches the pools of these names, or all there are, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    lanes = Lanes()
    tasks = [asyncio.create_task(stand_in_for_ever(lanes)), asyncio.create_task(Roster(named, lanes).keep_for_ever())]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    lanes.close()
