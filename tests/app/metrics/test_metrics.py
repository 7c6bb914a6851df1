"""GET /metrics, of an API in this process."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.edge.envelope import Envelope
from app.http.services import Services
from app.metrics.meters import LIMITS, OTHER, ROUTES, STATUSES, Gauge, Meters, answers_at
from cli.redis_server import RedisServer
from core.settings import Settings
from jobs.store import JobStore
from jobs.workers import LaneReport, WorkerReport
from tests.app.metrics.reading import families, one, openmetrics, samples, scrape, summed
from tests.in_process import Api, listening, served
from tests.jobs.claims import ERROR, IMPORT, claimed
from tests.wire import Wire

WORKER = WorkerReport(
    id="0011", host="h", pid=1, version="0", started_at=datetime.now(UTC), devices=("cpu",), listens=True
)
REQUESTS = "digitforge_http_requests_total"


def test_a_request_is_counted_by_route_method_and_status(http: httpx.Client) -> None:
    before = scrape(http)
    http.get("/jobs/0011223344556677")
    http.get("/jobs/8899aabbccddeeff")
    http.get("/generate?n=0")
    after = scrape(http)

    def more(**labels: str) -> float:
        return one(after, REQUESTS, **labels) - one(before, REQUESTS, **labels)

    assert more(route="/jobs/{job_id}", method="GET", status="404") == 2
    assert more(route="/generate", method="GET", status="422") == 1
    assert more(route="/metrics", method="GET", status="200") == 1
    assert summed(after, REQUESTS) - summed(before, REQUESTS) == 4


def test_head_counts_for_its_route(http: httpx.Client) -> None:
    before = one(scrape(http), REQUESTS, route="/healthz", method="GET", status="200")
    assert http.head("/healthz").status_code == 200
    assert one(scrape(http), REQUESTS, route="/healthz", method="GET", status="200") == before + 1


def test_what_no_route_answers_shares_one_series_a_status(http: httpx.Client) -> None:
    before = scrape(http)
    for number in range(20):
        http.get(f"/nothing/{number}")
        http.request("BREW", "/generate")
    http.get("/healthz", headers={"host": "elsewhere.example"})  # refused at the edge, before any route
    after = scrape(http)
    other = {key: value for key, value in after.items() if key[0] == REQUESTS and ("route", "other") in key[1]}
    assert sum(other.values()) - sum(before.get(key, 0) for key in other) == 41
    assert {dict(labels)["status"] for _, labels in other.keys() - before.keys()} <= {"404", "405", "421"}


def test_the_time_of_requests_is_told_in_buckets_that_add_up(http: httpx.Client) -> None:
    http.get("/generate?n=1")
    text = http.get("/metrics").text
    found = samples(text)
    labels = {"route": "/generate", "method": "GET"}
    name = "digitforge_http_request_seconds"
    buckets = [
        (float(dict(of)["le"]), value)
        for (called, of), value in found.items()
        if called == f"{name}_bucket" and ("route", "/generate") in of
    ]
    counts = [count for _, count in sorted(buckets)]
    assert counts == sorted(counts)
    assert counts[-1] == one(found, f"{name}_count", **labels) > 0
    assert one(found, f"{name}_sum", **labels) > 0
    assert counts[-1] == sum(
        value for (called, of), value in found.items() if called == REQUESTS and ("route", "/generate") in of
    )


def test_pictures_are_counted_by_where_they_came_from(http: httpx.Client) -> None:
    before = scrape(http)
    url = "/generate?n=3&seed=271828"
    drawn = http.get(url)
    http.get(url)
    http.get(url, headers={"if-none-match": drawn.headers["etag"]})
    after = scrape(http)
    for source in ("drawn", "memory", "client"):
        name = "digitforge_pictures_total"
        assert one(after, name, source=source) - one(before, name, source=source) == 1, source
    for name, more in {
        "digitforge_images_drawn_total": 3,
        "digitforge_draw_queue_seconds_count": 1,
        "digitforge_draw_seconds_count": 1,
        "digitforge_encode_seconds_count": 1,
        "digitforge_batch_images_count": 1,
        "digitforge_batch_images_sum": 3,
    }.items():
        assert one(after, name) - one(before, name) == more, name
    assert one(after, "digitforge_picture_memory_bytes") > one(before, "digitforge_picture_memory_bytes")
    assert one(after, "digitforge_models_in_memory") >= 1
    assert one(after, "digitforge_models_memory_bytes") > 1_000_000


def test_jobs_are_told_as_redis_has_counted_them(http: httpx.Client, store: JobStore) -> None:
    before = scrape(http)
    store.fail(claimed(store), ERROR)
    waiting = store.create(IMPORT).job.id
    after, figures = scrape(http), store.figures()
    for name, labels in {
        "digitforge_jobs_created_total": {"kind": "train"},
        "digitforge_jobs_attempts_total": {"kind": "train"},
        "digitforge_jobs_ended_total": {"kind": "train", "status": "failed", "error": "oom"},
        "digitforge_jobs_queued": {"kind": "import"},
    }.items():
        assert one(after, name, **labels) - one(before, name, **labels) == 1, name
    for status, count in figures.jobs.items():
        assert one(after, "digitforge_jobs", status=status) == count
    assert summed(after, "digitforge_jobs_ended_total") == sum(figures.of("ended").values())
    assert one(after, "digitforge_redis_up") == 1
    store.cancel(waiting)


def test_demand_is_what_is_queued_and_what_runs(http: httpx.Client, store: JobStore) -> None:
    def demand() -> float:
        return one(scrape(http), "digitforge_jobs_demand")

    before = demand()
    running, waiting, paused = claimed(store), store.create(IMPORT).job.id, store.create(IMPORT).job.id
    assert demand() == before + 3
    store.pause(paused)
    assert demand() == before + 2
    store.fail(running, ERROR)
    store.cancel(waiting)
    assert demand() == before
    store.cancel(paused)


def test_workers_are_counted_by_what_they_say(http: httpx.Client, services: Services) -> None:
    name, main = "digitforge_workers", WORKER
    assert one(scrape(http), name, state="faulty") == 0
    services.workers.tell(main)  # and none of its lanes does
    assert one(scrape(http), name, state="faulty") == 1
    for lane in main.lanes:
        services.workers.tell_of_lane(main.id, lane, LaneReport(pid=1))
    assert one(scrape(http), name, state="well") == 1
    services.workers.tell(main.model_copy(update={"draining": True}))
    found = scrape(http)
    assert [one(found, name, state=state) for state in ("well", "faulty", "draining")] == [0, 0, 1]
    services.workers.forget(main.id)


def test_streams_that_are_open_are_told(http: httpx.Client, services: Services) -> None:
    slot = services.streams.take("somebody")
    assert one(scrape(http), "digitforge_event_streams") == 1
    services.streams.give_back(slot)
    assert one(scrape(http), "digitforge_event_streams") == 0


def test_what_is_refused_before_it_is_a_request_is_counted(redis_server: RedisServer, tmp_path: Path) -> None:
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path)
    with served(settings) as api, listening(api) as base, Wire(base) as wire:
        wire.send(b"no HTTP at all\r\n\r\n")
        assert wire.answer().status == 400
        assert one(scrape(api.http), "digitforge_connections_refused_total", reason="bad-request") == 1


def test_a_failure_that_never_was_is_told_as_zero(http: httpx.Client) -> None:
    labels = frozenset({("kind", "import"), ("status", "failed"), ("error", "importer-crashed")})
    assert scrape(http)["digitforge_jobs_ended_total", labels] == 0


def test_a_metric_is_told_without_redis_but_for_the_jobs(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = Settings(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path_factory.mktemp("away"))
    with served(nowhere) as api:
        found = scrape(api.http)
    assert found["digitforge_redis_up", frozenset()] == 0
    assert one(found, "digitforge_api_processes_ready") == 1
    assert not [name for name, _ in found if name.startswith("digitforge_jobs")]


def test_openmetrics_is_answered_to_who_likes_it_better(http: httpx.Client) -> None:
    prometheus = (
        "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )
    answer = http.get("/metrics", headers={"accept": prometheus})
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    plain = http.get("/metrics", headers={"accept": "application/json"})
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {family.name for family in openmetrics(answer.text)} == {family.name for family in families(plain.text)}


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=x", "text/plain;version=9;q=x", ";", ","])
def test_an_accept_that_makes_no_sense_is_answered(http: httpx.Client, accept: str) -> None:
    assert http.get("/metrics", headers={"accept": accept}).status_code == 200


def test_metrics_can_be_turned_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(Settings(metrics=False, data_dir=tmp_path_factory.mktemp("off"))) as api:
        assert api.http.get("/metrics").status_code == 404
        assert api.http.get("/generate?n=1").status_code == 200


def test_a_crash_counts_with_its_status(api: Api, http: httpx.Client) -> None:
    async def crash() -> None:
        raise RuntimeError

    before, routes = scrape(http), len(api.app.router.routes)
    FastAPI.add_api_route(api.app, "/crash-of-a-test", crash)
    try:
        assert http.get("/crash-of-a-test").status_code == 500
    finally:
        del api.app.router.routes[routes:]
    labels = {"route": OTHER, "method": OTHER, "status": "500"}
    key = (REQUESTS, frozenset(labels.items()))
    assert scrape(http)[key] - before.get(key, 0) == 1


def test_an_answer_that_never_began_counts_as_a_client_that_is_gone(api: Api) -> None:
    meters = Meters()

    async def silent(*_: Any) -> Any: ...

    counting = Envelope(silent, [], meters)
    api.portal.call(lambda: counting({"type": "http", "headers": []}, silent, silent))
    assert meters.numbers.own[answers_at(ROUTES.index(OTHER)) + STATUSES.index(499)] == 1
    assert meters.numbers.own[Gauge.IN_PROGRESS] == 0


def test_a_status_that_nobody_thought_of_is_another(http: httpx.Client, services: Services) -> None:
    services.meters.answered(ROUTES.index("GET /healthz"), 418, 0.001)
    assert one(scrape(http), REQUESTS, route="/healthz", method="GET", status="other") == 1


def test_each_limit_has_a_series(http: httpx.Client, services: Services) -> None:
    for limit in LIMITS:
        before = one(scrape(http), "digitforge_limit_refusals_total", limit=limit)
        services.meters.refused(limit)
        assert one(scrape(http), "digitforge_limit_refusals_total", limit=limit) == before + 1


def test_no_request_is_under_way_but_the_scrape(http: httpx.Client) -> None:
    http.get("/generate?n=1")
    http.get("/nothing")
    assert one(scrape(http), "digitforge_http_requests_in_progress") == 1
