"""The alerting rules and the dashboard ask for what /metrics tells, in PromQL that can be read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from django.conf import settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from jobs.models import ResourcePool
from jobs_platform import metrics

PLACE: Path = settings.BASE_DIR / "deploy" / "monitoring"


def rules() -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load((PLACE / "alerts.yaml").read_text())["groups"][0]["rules"]
    return found


def expressions() -> Iterator[str]:
    yield from (str(rule["expr"]) for rule in rules())
    for panel in json.loads((PLACE / "dashboard.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def told(client: Client, pool: ResourcePool) -> dict[str, set[str]]:
    """The names of the metrics, and of each the labels that it may have."""
    metrics.count_request("GET", 200, 0.01)
    text = client.get("/metrics").content.decode()
    names: dict[str, set[str]] = {line.split()[2]: set() for line in text.splitlines() if line.startswith("# TYPE")}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_asked_for_is_there(expression: str, told: dict[str, set[str]]) -> None:
    promql_parser.parse(expression)
    for name, matchers in re.findall(r"(jobs_platform_\w+)(?:\{([^}]*)\})?", expression):
        assert name in told, name
        assert set(re.findall(r"(\w+)=~?", matchers)) <= told[name]


def test_each_alert_says_what_to_do() -> None:
    for rule in rules():
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        assert annotations.keys() == {"summary", "remedy"}, rule["alert"]


def test_the_page_lists_every_metric(told: dict[str, set[str]]) -> None:
    page = (settings.BASE_DIR / "docs" / "observability.md").read_text()
    families = {name for name in told if not name.endswith(("_bucket", "_sum", "_count"))}
    missing = {name for name in families if f"`{name.removeprefix(metrics.PREFIX)}`" not in page}
    assert not missing
