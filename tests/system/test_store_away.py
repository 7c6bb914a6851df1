"""The store is frozen, then killed, while a job trains: the job warns and loses nothing, and digits are drawn."""

import time

import httpx
import pytest
from redis import Redis

from core.card import read_card
from core.run_dir import JobDir
from jobs.store import JobStore
from tests.object_servers import LentStore
from tests.service import Service, follow, redis_url, wait_until
from tests.system.jobs import WITH_PENALTY, kinds, read, submit, told, unbroken

EPOCHS = 8
AWAY_S = 1.0  # of each fault; for the log it was a minute
BODY = {**WITH_PENALTY, "epochs": EPOCHS, "publish": "always"}


def test_a_job_trains_on_while_the_store_is_away_and_digits_are_drawn(
    tmp_path_factory: pytest.TempPathFactory, s3_server: LentStore
) -> None:
    folder, server = tmp_path_factory.mktemp("store-away"), s3_server.server
    expected = unbroken(tmp_path_factory.mktemp("unbroken"), BODY)
    environment = {name.removeprefix("DIGITFORGE_").lower(): value for name, value in s3_server.environment.items()}
    own = {name: value for name, value in environment.items() if name == "store_url"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        service = Service(folder, **own)
    with service, httpx.Client(base_url=service.base, timeout=30) as http:
        digits = http.get("/generate?n=4&seed=1").raise_for_status().content
        job_id = submit(http, BODY)
        jobs = JobStore(Redis.from_url(redis_url(service), decode_responses=True), 30)
        wait_until(lambda: jobs.get(job_id).saved is not None, timeout_s=60)

        with server.frozen():
            before = read(http, job_id)["progress"]["step"]
            wait_until(lambda: read(http, job_id)["progress"]["step"] > before, timeout_s=60)
            assert http.get("/generate?n=4&seed=1").content == digits
            time.sleep(AWAY_S)
        with server.away():
            wait_until(lambda: "warning" in kinds(http, job_id), timeout_s=60)
            assert http.get("/generate?n=4&seed=1").content == digits
            assert http.get("/generate?n=4&seed=2").status_code == 200
            time.sleep(AWAY_S)

        job = follow(http, job_id, "succeeded")
        assert job["attempt"] == 1
        (warning,) = [event["data"] for event in told(http, job_id) if event["type"] == "warning"]
        assert warning["kind"] == "store-away"
        cards = [read_card(path) for path in JobDir(folder / "runs", job_id).attempt(1).checkpoint_folders()]
        assert [card.epoch for card in cards] == list(range(1, EPOCHS + 1))
        assert [card.sha256 for card in cards if card.model_id == job["model"]] == [expected]
        assert http.get(f"/models/{job['model']}").status_code == 200
        assert jobs.get(job_id).saved is not None
