"""A real Prometheus scrapes API and worker of a running service, with a key, as deploy/observe/ configures it."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access.key_record import NewKey
from access.key_store import KeyStore
from core.access import Scope
from core.ports import hold_port, port_of
from core.settings import Settings
from tests.deploy.observe import SCRAPE_S, alerts, ask, names_in, needs_prometheus, prometheus, queries
from tests.in_process import bearer
from tests.service import Service, follow, redis_url, wait_until
from tests.system.jobs import SMOKE, submit

SCRAPES = 4  # that a rate needs, and one more


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Prometheus, after some seconds of a service that draws and trains."""
    with hold_port() as held:
        port = port_of(held)
        folder, tsdb = tmp_path_factory.mktemp("service"), tmp_path_factory.mktemp("prometheus")
        store = f"file://{folder}/store"
        with Service(folder, worker_metrics_port=str(port), api_processes="2", store_url=store) as service:
            key, admin = _keys(service, folder)
            with (
                httpx.Client(base_url=service.base, headers=bearer(admin), timeout=30) as http,
                prometheus(tsdb, service.base.removeprefix("http://"), f"127.0.0.1:{port}", key) as asked,
            ):
                wait_until(lambda: http.get("/metrics").status_code == 200)
                wait_until(lambda: len(ask(asked, "up == 1")) == 2)
                _use(http, asked)
                yield asked


def _keys(service: Service, folder: Path) -> tuple[str, str]:
    """The texts of a key for metrics, and of one for all."""
    store = KeyStore.of(Settings(redis_url=redis_url(service), data_dir=folder))
    keys = [NewKey.make(name, [scope]) for name, scope in (("metrics", Scope.METRICS), ("all", Scope.ADMIN))]
    for key in keys:
        store.add(key.record)
    return keys[0].text, keys[1].text


def _use(http: httpx.Client, asked: httpx.Client) -> None:
    """A training, pictures and errors, until they are scraped."""
    job = submit(http, {**SMOKE, "epochs": 1})
    wait_until(lambda: ask(asked, "digitforge_worker_busy == 1"))
    until = time.monotonic() + SCRAPES * SCRAPE_S
    seed = 0
    while time.monotonic() < until:
        seed += 1
        http.get(f"/generate?n=4&seed={seed}").raise_for_status()
        assert http.get("/jobs/0011223344556677").status_code == 404
    follow(http, job, "succeeded")
    wait_until(lambda: ask(asked, 'digitforge_jobs_ended_total{status="succeeded", kind="train"} == 1'))


@needs_prometheus
def test_every_query_of_the_dashboard_finds_data(scraped: httpx.Client) -> None:
    empty = [query for query in queries() if not ask(scraped, query)]
    assert empty == []


@needs_prometheus
def test_every_alert_reads_what_is_scraped_and_none_fires(scraped: httpx.Client) -> None:
    for name, expression in alerts().items():
        ask(scraped, expression)
        for metric in names_in(expression):
            assert ask(scraped, metric), f"{name} reads {metric}"
    rules = scraped.get("/api/v1/rules").json()["data"]["groups"][0]["rules"]
    assert {rule["name"] for rule in rules} == set(alerts())
    assert [
        (rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok" and rule.get("lastError")
    ] == []
    firing = {alert["labels"]["alertname"] for alert in scraped.get("/api/v1/alerts").json()["data"]["alerts"]}
    assert firing <= {"DigitforgeDiskNearlyFull"}  # which is about the machine of the test


@needs_prometheus
def test_jobs_are_scraped_as_they_were(scraped: httpx.Client) -> None:
    for query, value in {
        'sum(digitforge_jobs_created_total{kind="train"})': "1",
        'sum(digitforge_jobs_attempts_total{kind="train"})': "1",
        'digitforge_jobs{status="succeeded"}': "1",
        "sum(digitforge_worker_trainers_started_total)": "1",
        "digitforge_api_processes_ready": "2",
    }.items():
        (series,) = ask(scraped, query)
        assert series["value"][1] == value, query
