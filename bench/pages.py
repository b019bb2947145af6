"""The pages: what the server does for each (`served`, on a fresh instance with a million jobs), and what a browser
makes of them, on a running one. Each part can be measured alone: python -m bench.pages --part viewer"""

import argparse
from collections.abc import Callable

from playwright.sync_api import BrowserContext

from bench import first_page, harness, live, log_viewer, served
from bench.browser import chromium
from bench.harness import Client


def viewer(client: Client, context: BrowserContext, options: argparse.Namespace) -> None:
    log_viewer.report(client, context, options.gigabytes)


def live_list(client: Client, context: BrowserContext, _options: argparse.Namespace) -> None:
    live.report(client, context)


def first(client: Client, context: BrowserContext, _options: argparse.Namespace) -> None:
    first_page.report(context, client.url)


PARTS: dict[str, Callable[[Client, BrowserContext, argparse.Namespace], None]] = {
    "first": first,
    "live": live_list,
    "viewer": viewer,
}
SERVED = "served"


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parts = sorted([*PARTS, SERVED])
    parser.add_argument("--part", choices=parts, action="append", help="all of them unless given")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="in the fresh instance of the part `served`")
    parser.add_argument("--directory", help="where to put that instance: a million jobs take 800 MB")
    parser.add_argument("--gigabytes", type=float, default=1.0, help="of the huge log that is opened")
    options = parser.parse_args()
    wanted = options.part or parts
    print(harness.machine())
    if SERVED in wanted:
        served.report(options.jobs, options.directory)
    if browsed := [name for name in wanted if name != SERVED]:
        client = harness.client(options)
        with chromium(client.url, options.user, options.password) as context:
            for name in browsed:
                PARTS[name](client.clone(), context, options)  # whose connection is not too old


if __name__ == "__main__":
    main()
