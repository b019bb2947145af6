"""The pages in a browser. Each part can be measured alone: python -m bench.pages --part viewer"""

import argparse
from collections.abc import Callable

from playwright.sync_api import BrowserContext

from bench import harness, live, log_viewer
from bench.browser import chromium
from bench.harness import Client


def viewer(client: Client, context: BrowserContext, options: argparse.Namespace) -> None:
    log_viewer.report(client, context, options.gigabytes)


def live_list(client: Client, context: BrowserContext, _options: argparse.Namespace) -> None:
    live.report(client, context)


PARTS: dict[str, Callable[[Client, BrowserContext, argparse.Namespace], None]] = {"live": live_list, "viewer": viewer}


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="all of them unless given")
    parser.add_argument("--gigabytes", type=float, default=1.0, help="of the huge log that is opened")
    options = parser.parse_args()
    client = harness.client(options)
    print(harness.machine())
    with chromium(client.url, options.user, options.password) as context:
        for name in options.part or sorted(PARTS):
            PARTS[name](client, context, options)


if __name__ == "__main__":
    main()
