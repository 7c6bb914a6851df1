"""X-Request-ID: in every answer, every problem and every record; taken from the client where it is sane."""

import httpx
import pytest
from fastapi import FastAPI

from app.http.services import Services
from core.logs import JsonLines
from jobs.record import JobStatus
from tests.hand_worker import SMOKE, submit
from tests.in_process import Api
from tests.wire import Wire

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("url", ["/healthz", "/generate?seed=1", "/nowhere", "/v1/models", "/docs", "/"])
def test_every_answer_has_an_id_of_its_own(http: httpx.Client, url: str) -> None:
    ids = {http.get(url).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(one) == 20 and one.isalnum() for one in ids)


@pytest.mark.parametrize(
    "given", ["r1", "0" * 128, "a1b2-c3.d4_e5~f6+g7/h8=:@", "0191f0c3-7a4e-7cc1-8a5b-2f6d1c3e4b5a"]
)
def test_a_sane_id_is_kept(http: httpx.Client, given: str) -> None:
    assert http.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "0" * 129, "a b", "a,b", 'a"b', "<a>", "é".encode(), b"\x01"])
def test_another_is_replaced(http: httpx.Client, given: str | bytes) -> None:
    value = given if isinstance(given, bytes) else given.encode()
    answered = http.get("/healthz", headers=[(b"x-request-id", value)]).headers["x-request-id"]
    assert len(answered) == 20


def test_two_ids_are_none(http: httpx.Client) -> None:
    answer = http.get("/healthz", headers=[("x-request-id", "a"), ("x-request-id", "b")])
    assert len(answer.headers["x-request-id"]) == 20


@pytest.mark.parametrize(
    "url", ["/nowhere", "/generate?n=0", "/jobs/nobody", "/generate?n=1&n=2", "/models/active?x=1"]
)
def test_a_problem_names_its_request(http: httpx.Client, url: str) -> None:
    answer = http.get(url, headers={"x-request-id": "mine"})
    assert (answer.json()["request_id"], answer.headers["x-request-id"]) == ("mine", "mine")


def test_so_does_one_of_the_edge(http: httpx.Client) -> None:
    answer = http.get("/healthz", headers={"host": "stranger.example", "x-request-id": "mine"})
    assert answer.status_code >= 400
    assert (answer.json()["request_id"], answer.headers["x-request-id"]) == ("mine", "mine")


def test_so_does_a_crash(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async def crash() -> None:
        raise RuntimeError

    caplog.handler.setFormatter(JsonLines("api"))
    routes = len(api.app.router.routes)
    FastAPI.add_api_route(api.app, "/crash-of-a-test", crash)
    try:
        answer = api.http.get("/crash-of-a-test", headers={"x-request-id": "mine", "traceparent": TRACE})
    finally:
        del api.app.router.routes[routes:]
    assert answer.status_code == 500
    assert (answer.json()["request_id"], answer.headers["x-request-id"]) == ("mine", "mine")
    assert '"request_id": "mine", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"' in caplog.text


def test_so_does_a_refusal_of_the_parser(base: str) -> None:
    with Wire(base) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n")
        answer = wire.answer()
    assert answer.status == 400
    given = answer.headers["x-request-id"]
    assert f'"request_id":"{given}"'.encode() in answer.body
    assert len(given) == 20


def test_a_job_keeps_the_request_that_made_it(http: httpx.Client, services: Services) -> None:
    job_id = submit(http, SMOKE, **{"x-request-id": "mine", "traceparent": TRACE})
    job = services.store.get(job_id)
    assert (job.request_id, job.traceparent, job.caller) == ("mine", TRACE, "anybody")
    assert http.get(f"/jobs/{job_id}").json()["request_id"] == "mine"
    assert services.store.cancel(job_id).status is JobStatus.CANCELLED


@pytest.mark.parametrize("given", ["", "mine", TRACE.upper(), f"{TRACE}-more", f"{TRACE}, {TRACE}"])
def test_a_trace_that_is_none_is_not_kept(http: httpx.Client, services: Services, given: str) -> None:
    job_id = submit(http, traceparent=given)
    assert services.store.cancel(job_id).traceparent == ""


def test_a_replayed_answer_has_the_request_that_made_the_job(http: httpx.Client, services: Services) -> None:
    first, again = (
        http.post("/train", json=SMOKE, headers={"idempotency-key": "ids", "x-request-id": given})
        for given in ("first", "again")
    )
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] == "again"
    assert first.json()["request_id"] == again.json()["request_id"] == "first"
    services.store.cancel(first.json()["id"])
