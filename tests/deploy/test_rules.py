"""Alerts and dashboard as promtool and the documentation see them."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.observe import OBSERVE, alerts, names_in, needs_prometheus, queries

OPERATIONS = (OBSERVE.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


@needs_prometheus
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    found = subprocess.run(["promtool", *arguments], cwd=OBSERVE, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_each_alert_is_tested_both_ways_and_has_a_row() -> None:
    tests = (OBSERVE / "alerts_test.yml").read_text(encoding="utf-8")
    fires = set(re.findall(r"^ +- alertname: (\w+)$", tests, re.MULTILINE))
    assert fires == set(alerts())  # that each is silent where all is well is one test of them all
    assert set(re.findall(r"^\| `(Digitforge\w+)` \|", OPERATIONS, re.MULTILINE)) == set(alerts())


def test_alerts_and_dashboard_read_metrics_that_there_are() -> None:
    listed = set(re.findall(r"^\| `(digitforge_\w+)` \|", OPERATIONS, re.MULTILINE))
    for expression in (*alerts().values(), *queries()):
        read = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in names_in(expression) - {"up"}}
        assert read - listed == set(), expression


def test_the_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    board = json.loads((OBSERVE / "grafana/dashboards/digitforge.json").read_text(encoding="utf-8"))
    (source,) = re.findall(r"uid: (\w+)", (OBSERVE / "grafana/datasources/prometheus.yml").read_text(encoding="utf-8"))
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_no_panel_is_empty() -> None:
    assert len(queries()) > 30
    assert Path(OBSERVE / "no-key").read_bytes() == b""
