"""What deploy/observe/ says, and a Prometheus that scrapes by it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.ports import hold_port, port_of
from tests.service import wait_until

OBSERVE = Path(__file__).resolve().parents[2] / "deploy" / "observe"
SCRAPE_S = 0.5
STOP_S = 20

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("promtool") and shutil.which("prometheus")), reason="Debian's package prometheus is not installed"
)


def alerts() -> dict[str, str]:
    """The expression of each alert, by its name."""
    found: dict[str, str] = {}
    for rule in re.split(r"^ +- alert: ", _text("alerts.yml"), flags=re.MULTILINE)[1:]:
        name, _, rest = rule.partition("\n")
        body = re.sub(r"^ *#.*\n", "", rest, flags=re.MULTILINE)
        expression = re.search(r"^ +expr: (?:>-\n)?(.*?)^ +(?:for|labels):", body, re.MULTILINE | re.DOTALL)
        assert expression, name
        found[name] = " ".join(expression[1].split())
    return found


def queries() -> list[str]:
    """What the dashboard asks for, as Grafana asks it."""
    board = json.loads(_text("grafana/dashboards/digitforge.json"))
    texts = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [text.replace("$__rate_interval", "1m") for text in texts]


def names_in(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    return set(re.findall(r"\b(digitforge_\w+|up)\b(?=[^\w\"-]|$)", re.sub(r'"[^"]*"', '""', expression)))


@contextmanager
def prometheus(folder: Path, api: str, worker: str, key: str) -> Iterator[httpx.Client]:
    """A client of a Prometheus that scrapes these two, as the shipped files say but for addresses and times."""
    (folder / "key").write_text(key)
    config = _text("prometheus.yml").replace("15s", f"{SCRAPE_S * 1000:.0f}ms")
    config = config.replace("/run/secrets/metrics_key", str(folder / "key"))
    for name, target in (("api", api), ("worker", worker)):
        found = rf"dns_sd_configs:\n *- {{ names: \[{name}\].*}}"
        config, replaced = re.subn(found, f"static_configs: [{{ targets: ['{target}'] }}]", config)
        assert replaced == 1
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(OBSERVE / "alerts.yml", folder)
    with hold_port() as held, (folder / "prometheus.log").open("wb") as log:
        address = f"127.0.0.1:{port_of(held)}"
        files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
        held.close()  # Prometheus sets no SO_REUSEADDR
        process = subprocess.Popen(
            ["prometheus", *files, f"--web.listen-address={address}"], stdout=log, stderr=log, cwd=folder
        )
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=30) as http:
            wait_until(lambda: _is_ready(http))
            yield http
    finally:
        process.terminate()
        process.wait(STOP_S)


def ask(http: httpx.Client, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers to a query now: its series."""
    answer = http.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    result = answer["data"]["result"]
    return result if answer["data"]["resultType"] == "vector" else [{"value": result}]


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/-/ready").status_code == 200
    except httpx.HTTPError:
        return False


def _text(name: str) -> str:
    return (OBSERVE / name).read_text(encoding="utf-8")
