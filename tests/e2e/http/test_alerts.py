"""The alerts that operators are given are about what ``/metrics`` has, and are all explained."""

import re
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from kiwisms.ports.guard import Circuit
from kiwisms.ports.provider import Refusal
from tests.e2e.http.site import open_site
from tests.pages import ROOT, text_of

RULES: Final = (ROOT / "deploy/alerts.yml").read_text("utf-8")
ALERTS: Final = re.findall(r"- alert: (\w+)", RULES)
LABELS: Final[Mapping[str, set[str]]] = {
    "state": set(Circuit),
    "answer": set(Refusal),
    "method": {"POST"},
    "status": {"500", "502", "503"},
    "job": {"kiwisms"},
}
"""Values that a label can have."""


async def test_each_alert_asks_for_metrics_that_are_there(store_url: str) -> None:
    async with open_site(store_url, guarded=True) as site:
        answer = await site.ask("GET", "/metrics")
    families = list(text_string_to_metric_families(answer.body.decode()))
    counters = {f"{each.name}_total" for each in families if each.type == "counter"}
    there = counters | {each.name for each in families if each.type == "gauge"}

    assert len(ALERTS) == RULES.count("expr:")
    assert set(re.findall(r"kiwisms_\w+", RULES)) <= there


def test_each_alert_asks_for_labels_that_there_can_be() -> None:
    asked = re.findall(r'(\w+)=~?"([^"]+)"', RULES)

    assert asked
    for label, values in asked:
        assert set(values.split("|")) <= LABELS[label]


def test_each_alert_is_explained() -> None:
    page = text_of(ROOT / "docs/monitoring.md")

    assert re.findall(r"^\| `(Kiwisms\w+)` \|", page, re.MULTILINE) == ALERTS
