"""/webhooks: registered, listed, rotated, tested and deleted by their owner alone; off unless somebody wants them."""

from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from app.webhooks.views import EVENTS
from cli.redis_server import RedisServer
from core.access import Scope
from core.settings import Settings
from jobs.record import JobOrigin, JobStatus
from tests.app.http.test_errors import problem
from tests.in_process import Api, add_key, client_with, served
from tests.jobs.claims import SPEC
from tests.webhooks.receiver import Receiver, receiver
from webhooks.deliverer import Deliverer
from webhooks.record import MessageType

URL = {"url": "http://127.0.0.1:9/hook"}


@pytest.fixture(scope="module")
def on(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API in which webhooks may lead to this machine."""
    folder, hosts = tmp_path_factory.mktemp("webhooks"), ("127.0.0.0/8", "hooks.internal")
    with served(Settings(redis_url=redis_server.url, data_dir=folder, webhooks="listed", webhook_hosts=hosts)) as api:
        yield api


@pytest.fixture
def call(on: Api, redis: Redis) -> httpx.Client:
    return on.http


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as it:
        yield it


def test_a_webhook_is_registered_and_its_secret_is_shown_once(call: httpx.Client) -> None:
    created = call.post("/webhooks", json=URL)
    assert created.status_code == 201
    webhook = created.json()
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    assert created.headers["location"] == f"/webhooks/{webhook['id']}"
    assert created.headers["cache-control"] == "no-store"
    assert webhook == webhook | {"caller": "anybody", "events": EVENTS, "failures": 0, "last": None, "disabled": None}
    assert call.get("/webhooks").json() == {"data": [webhook]}
    assert call.get(f"/webhooks/{webhook['id']}").json() == webhook
    rotated = call.post(f"/webhooks/{webhook['id']}/rotate", json={"overlap_s": 60})
    assert rotated.json()["secret"] != secret
    assert call.delete(f"/webhooks/{webhook['id']}").status_code == 204
    assert call.get("/webhooks").json() == {"data": []}


def test_the_events_are_the_ends_of_jobs() -> None:
    assert [MessageType.of_end(status) for status in JobStatus if status.is_terminal] == EVENTS


def test_the_document_says_what_is_sent(on: Api) -> None:
    document = on.app.openapi()
    assert set(document["webhooks"]) == set(MessageType)
    body = document["webhooks"]["job.failed"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Message"}


def test_a_job_says_what_its_webhooks_were_told(on: Api, call: httpx.Client, hook: Receiver) -> None:
    webhook = call.post("/webhooks", json={"url": hook.url, "events": ["job.cancelled"]}).json()["id"]
    job_id = call.post("/train", json={"preset": "smoke"}).json()["id"]
    assert call.get(f"/jobs/{job_id}/deliveries").json() == {"data": []}
    call.post(f"/jobs/{job_id}/cancel")
    (waiting,) = call.get(f"/jobs/{job_id}/deliveries").json()["data"]
    assert (waiting["webhook"], waiting["status"], waiting["tries"]) == (webhook, "pending", [])
    assert waiting["next_at"] is not None
    assert Deliverer(on.services.settings).deliver_one()
    (told,) = call.get(f"/jobs/{job_id}/deliveries").json()["data"]
    assert (told["status"], told["next_at"], told["message"]) == ("delivered", None, f"msg_{job_id}")
    assert (told["tries"][0]["outcome"], told["tries"][0]["status"]) == ("answered", 204)
    assert hook.received[0].headers["webhook-id"] == told["message"]
    assert call.get(f"/webhooks/{webhook}").json()["last"] == told["tries"][0]
    again = call.post(f"/jobs/{job_id}/deliveries/{webhook}")
    assert (again.status_code, again.json()["data"][0]["status"]) == (202, "pending")
    problem(call.post(f"/jobs/{job_id}/deliveries/nothing"), 404, "webhook-not-found")
    problem(call.get("/jobs/nobody/deliveries"), 404, "job-not-found")


def test_a_webhook_can_be_tested(on: Api, call: httpx.Client, hook: Receiver) -> None:
    webhook = call.post("/webhooks", json={"url": hook.url}).json()["id"]
    assert call.post(f"/webhooks/{webhook}/test").status_code == 202
    assert Deliverer(on.services.settings).deliver_one()
    assert call.get(f"/webhooks/{webhook}").json()["last"]["status"] == 204
    on.services.webhooks.disable(webhook, "the receiver answered 410 Gone")
    problem(call.post(f"/webhooks/{webhook}/test"), 409, "webhook-disabled")


@pytest.mark.parametrize(
    ("body", "pointer", "allowed"),
    [
        ({"url": "ftp://127.0.0.1/"}, "/url", "allowed: http://"),
        ({"url": "http://user@127.0.0.1/"}, "/url", "a user name"),
        ({"url": "http://10.0.0.1/"}, "/url", "webhooks may reach"),
        ({"url": "http://[::1]/"}, "/url", "webhooks may reach"),
        ({"url": "https://hooks.invalid/"}, "/url", "webhooks may reach"),
        ({"url": "https://hooks.internal/"}, "/url", "webhooks may reach"),  # listed, but it does not resolve
        ({}, "/url", "required"),
        (URL | {"events": []}, "/events", "at least 1"),
        (URL | {"events": ["job.paused"]}, "/events/0", "job.succeeded"),
        (URL | {"secret": "whsec_mine"}, "/secret", "allowed: url, events"),
    ],
)
def test_what_cannot_be_told_is_refused(call: httpx.Client, body: object, pointer: str, allowed: str) -> None:
    (error,) = problem(call.post("/webhooks", json=body), 422, "invalid-parameter")["errors"]
    assert error["pointer"] == pointer
    assert allowed in error["detail"]
    assert call.get("/webhooks").json() == {"data": []}


def test_an_owner_has_so_many_and_no_more(call: httpx.Client) -> None:
    for _ in range(10):
        last = call.post("/webhooks", json=URL)
        assert last.status_code == 201
    problem(call.post("/webhooks", json=URL), 409, "too-many-webhooks")
    call.delete(f"/webhooks/{last.json()['id']}")
    assert call.post("/webhooks", json=URL).status_code == 201


@pytest.mark.parametrize("method_and_path", ["GET ", "DELETE ", "POST /rotate", "POST /test"])
def test_what_is_not_there_is_404(call: httpx.Client, method_and_path: str) -> None:
    method, _, path = method_and_path.partition(" ")
    problem(call.request(method, f"/webhooks/nothing{path}"), 404, "webhook-not-found")


def test_another_callers_webhooks_are_not_there(keyed: Api) -> None:
    mine, theirs = (add_key(keyed, Scope.JOBS_WRITE, Scope.JOBS_READ) for _ in range(2))
    webhook = keyed.services.webhooks.create(id_of(mine), URL["url"], EVENTS).id
    theirs_client = client_with(keyed, theirs)
    assert theirs_client.get("/webhooks").json() == {"data": []}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")):
        problem(theirs_client.request(method, f"/webhooks/{webhook}{path}"), 404, "webhook-not-found")
    assert client_with(keyed, mine).get("/webhooks").json()["data"][0]["id"] == webhook
    assert [one["id"] for one in keyed.http.get("/webhooks").json()["data"]] == [webhook]
    assert keyed.http.delete(f"/webhooks/{webhook}").status_code == 204


def test_a_webhook_of_a_revoked_key_is_told_nothing_more(keyed: Api) -> None:
    key = id_of(add_key(keyed, Scope.JOBS_WRITE))
    keyed.services.webhooks.create(key, URL["url"], EVENTS)
    job_id = keyed.services.store.create(SPEC, origin=JobOrigin(key)).job.id
    keyed.http.delete(f"/keys/{key}").raise_for_status()
    keyed.services.store.cancel(job_id)
    assert keyed.http.get(f"/jobs/{job_id}/deliveries").json() == {"data": []}


def id_of(key: str) -> str:
    return key[3:11]


def test_off_is_the_default_and_says_so(http: httpx.Client, redis: Redis) -> None:
    refused = problem(http.post("/webhooks", json=URL), 403, "webhooks-off")
    assert "DIGITFORGE_WEBHOOKS" in refused["detail"]
    assert http.get("/webhooks").json() == {"data": []}


def test_a_job_without_webhooks_leaves_nothing_in_the_outbox(on: Api, redis: Redis) -> None:
    job_id = on.services.store.create(SPEC, origin=JobOrigin("k1")).job.id
    on.services.store.cancel(job_id)
    assert redis.keys("digitforge:outbox*") == []
