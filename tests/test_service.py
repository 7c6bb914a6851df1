"""The whole service: real Redis, real worker, real HTTP, from POST /train to a page of digits."""

import fcntl
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
from PIL import Image
from redis import Redis

from tests.service import Service, follow, redis_url, wait_until

LONG = {"preset": "smoke", "epochs": 10_000, "publish": "never"}


def submit(http: httpx.Client, body: dict[str, object]) -> str:
    response = http.post("/train", json=body)
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    return str(job["id"])


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


def first_checkpoint(http: httpx.Client, job_id: str) -> None:
    wait_until(lambda: len(http.get(f"/jobs/{job_id}/samples").json()["data"]) > 1)


def test_a_job_trains_and_its_model_is_drawn_from(http: httpx.Client) -> None:
    before = http.get("/models").json()["active"]
    job = follow(http, submit(http, {"preset": "smoke", "seed": 11, "publish": "always"}), "succeeded")
    assert job["publication"] == {"active": True, "reason": "the job said publish = always"}
    assert job["progress"]["epoch"] == job["progress"]["epochs"] == 2
    assert job["progress"]["step"] == job["progress"]["total_steps"] == 16
    assert job["progress"]["images_per_s"] > 0
    assert set(job["progress"]["losses"]) == {"loss_d", "loss_g", "d_real", "d_fake"}
    assert job["device"]
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]

    drawn = http.get("/generate?n=16")
    assert drawn.headers["x-model-id"] == job["model"] != before
    card = http.get(f"/models/{job['model']}").json()["card"]
    assert card["recipe"] == job["recipe"]

    samples = http.get(f"/jobs/{job['id']}/samples").json()["data"]
    assert [sample["epoch"] for sample in samples] == [0, 1, 2]
    pictures = [http.get(sample["href"]).content for sample in samples]
    assert Image.open(BytesIO(pictures[0])).size == (8 * 28 + 7 * 2, 8 * 28 + 7 * 2)
    assert len(set(pictures)) == 3
    assert http.get(f"/jobs/{job['id']}/samples/latest").content == pictures[-1]
    assert http.get(f"/jobs/{job['id']}/samples/9").status_code == 404
    again = http.get(f"{job['links']['generate']}&seed=11&n=64").content
    assert np.array_equal(pixels(again), pixels(pictures[-1]))  # the files differ by what the first says of itself

    curves = http.get(f"{job['links']['curves']}?format=json").json()["data"]
    assert [point["epoch"] for point in curves] == [1, 2]
    assert curves[-1]["scores"] == job["progress"]["scores"] == card["scores"]
    assert curves[-1]["losses"] == card["losses"]
    picture = http.get(job["links"]["curves"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert len(ElementTree.fromstring(picture.text).findall("{*}polyline")) == 5

    back = http.put("/models/active", json={"model": before})
    assert back.json()["active"]
    assert http.get("/generate").headers["x-model-id"] == before


def test_a_job_that_is_not_to_be_published_leaves_the_active_model(http: httpx.Client) -> None:
    before = http.get("/models").json()["active"]
    job = follow(http, submit(http, {"preset": "smoke", "seed": 12, "publish": "never"}), "succeeded")
    assert http.get("/models").json()["active"] == before
    assert job["publication"] == {"active": False, "reason": "the job said publish = never"}
    assert http.get(f"/generate?model={job['model']}").status_code == 200


def test_a_worse_model_does_not_go_live_and_a_better_one_does(http: httpx.Client) -> None:
    shipped = http.get("/models").json()["active"]
    worse = follow(http, submit(http, {"preset": "smoke", "seed": 13}), "succeeded")
    assert not worse["publication"]["active"]
    assert f"it is worse than the active model {shipped}: frechet_digits" in worse["publication"]["reason"]
    assert http.get("/models").json()["active"] == shipped
    assert http.get("/generate").headers["x-model-id"] == shipped
    assert http.get(f"/models/{worse['model']}").json()["card"]["scores"] == worse["progress"]["scores"]
    assert worse["progress"]["best"] == {
        "epoch": 2,
        "frechet_digits": worse["progress"]["scores"]["frechet_digits"],
    }

    assert http.put("/models/active", json={"model": worse["model"]}).json()["active"]
    better = follow(http, submit(http, {"preset": "smoke", "seed": 13, "epochs": 12}), "succeeded")
    assert better["publication"] == {
        "active": True,
        "reason": f"it is no worse than {worse['model']}, which was active before",
    }
    assert http.get("/generate").headers["x-model-id"] == better["model"]

    for expected in (worse["model"], better["model"]):  # one call goes back, the next one forth again
        assert http.put("/models/active", json={"model": "previous"}).json()["id"] == expected
        assert http.get("/generate").headers["x-model-id"] == expected
    assert http.get("/models").json()["previous"] == worse["model"]
    http.put("/models/active", json={"model": shipped})


def test_an_empty_body_trains_the_default(http: httpx.Client) -> None:
    response = http.post("/train")
    assert response.status_code == 202
    job = response.json()
    assert (job["preset"], job["publish"]) == ("quality", "auto")
    assert http.get(f"{job['links']['curves']}?format=json").json() == {"data": []}
    assert ElementTree.fromstring(http.get(job["links"]["curves"]).text).findall("{*}polyline") == []
    assert http.post(job["links"]["cancel"]).status_code == 202
    follow(http, job["id"], "cancelled")


def test_a_running_job_is_cancelled_and_its_trainer_is_gone(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    follow(http, job_id, "running")
    first_checkpoint(http, job_id)
    assert len(service.trainers()) == 1
    assert http.post(f"/jobs/{job_id}/cancel").status_code == 202
    job = follow(http, job_id, "cancelled")
    assert job["finished_at"]
    assert job["model"] is None
    assert service.trainers() == []
    assert http.post(f"/jobs/{job_id}/pause").status_code == 409


def test_a_paused_job_goes_on_where_it_stopped(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    first_checkpoint(http, job_id)
    assert http.post(f"/jobs/{job_id}/pause").status_code == 202
    paused = follow(http, job_id, "paused")
    assert service.trainers() == []
    assert http.post(f"/jobs/{job_id}/resume").json()["status"] == "queued"
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > paused["progress"]["step"])
    assert http.get(f"/jobs/{job_id}").json()["attempt"] == 2
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_warns_of_what_looks_wrong_and_keeps_its_warnings_over_a_pause(http: httpx.Client) -> None:
    job_id = submit(http, {**LONG, "classes": 0, "lr_g": 1.0, "lr_d": 1.0})
    follow(http, job_id, "running")
    wait_until(lambda: (http.get(f"/jobs/{job_id}").json()["progress"] or {}).get("warnings"), timeout_s=60)
    http.post(f"/jobs/{job_id}/pause")
    paused = follow(http, job_id, "paused")["progress"]
    assert all(warning["step"] and warning["detail"] and warning["hint"] for warning in paused["warnings"])
    http.post(f"/jobs/{job_id}/resume")
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > paused["step"])
    kinds = {warning["kind"] for warning in http.get(f"/jobs/{job_id}").json()["progress"]["warnings"]}
    assert kinds >= {warning["kind"] for warning in paused["warnings"]}
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_whose_trainer_is_killed_is_tried_again(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    wait_until(lambda: (http.get(f"/jobs/{job_id}").json()["progress"] or {}).get("epoch", 0) > 1)
    before = http.get(f"/jobs/{job_id}").json()["progress"]["step"]
    os.kill(service.trainers()[0], signal.SIGKILL)
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["attempt"] == 2)
    wait_until(lambda: http.get(f"/jobs/{job_id}").json()["progress"]["step"] > before)
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def test_a_job_that_kills_every_trainer_fails_and_the_worker_goes_on(http: httpx.Client, service: Service) -> None:
    job_id = submit(http, LONG)
    for attempt in (1, 2, 3):
        wait_until(lambda: service.trainers() and http.get(f"/jobs/{job_id}").json()["attempt"] == attempt)  # noqa: B023
        os.kill(service.trainers()[0], signal.SIGKILL)
        wait_until(lambda: not service.trainers())
    job = follow(http, job_id, "failed")
    assert job["error"]["type"] == "trainer-crashed"
    assert "SIGKILL; 3 times" in job["error"]["detail"]
    assert job["error"]["retryable"]
    follow(http, submit(http, {"preset": "smoke", "publish": "never"}), "succeeded")


def test_bad_data_fails_the_job_with_the_reason(tmp_path: Path) -> None:
    datasets = tmp_path / "datasets"
    (datasets / "mnist").mkdir(parents=True)
    (datasets / "mnist" / "train-images-idx3-ubyte").write_bytes(b"not an IDX file")
    with (
        Service(tmp_path / "var", datasets_dir=str(datasets)) as service,
        httpx.Client(base_url=service.base, timeout=30) as http,
    ):
        job = follow(http, submit(http, {"preset": "smoke"}), "failed")
    assert job["error"]["type"] == "bad-data"
    assert "train-images-idx3-ubyte: magic number" in job["error"]["detail"]
    assert not job["error"]["retryable"]


def test_jobs_wait_in_turn_and_are_listed_by_page(http: httpx.Client) -> None:
    running, waiting = submit(http, LONG), submit(http, LONG)
    follow(http, running, "running")
    assert http.get(f"/jobs/{waiting}").json()["status"] == "queued"
    page = http.get("/jobs?limit=1").json()
    assert [job["id"] for job in page["data"]] == [waiting]
    assert page["has_more"]
    assert [job["id"] for job in http.get(page["next"]).json()["data"]] == [running]
    assert [job["id"] for job in http.get("/jobs?status=queued").json()["data"]] == [waiting]
    assert http.post(f"/jobs/{waiting}/cancel").json()["status"] == "cancelled"
    http.post(f"/jobs/{running}/cancel")
    follow(http, running, "cancelled")


@pytest.fixture
def own_service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_ctrl_c_saves_the_running_job_and_the_next_start_goes_on(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        first_checkpoint(http, job_id)
        assert own_service.stop() == 0
    assert own_service.trainers() == []
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        wait_until(lambda: http.get(f"/jobs/{job_id}").json()["attempt"] == 2, timeout_s=40)
        first_checkpoint(http, job_id)
        http.post(f"/jobs/{job_id}/cancel")
        follow(http, job_id, "cancelled")


def test_digits_are_drawn_while_redis_is_away(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        url = redis_url(own_service)
        with Redis.from_url(url) as redis:
            redis.execute_command("CLIENT", "PAUSE", 8000, "ALL")
        assert http.get("/generate?n=4").status_code == 200
        assert http.get("/healthz").status_code == 200
        refused = http.post("/train", json={"preset": "smoke"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert http.get("/readyz").json()["redis"] is False
        wait_until(lambda: http.get("/jobs").status_code == 200)


def test_a_damaged_shelf_is_a_problem_and_not_the_end(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        model = follow(http, submit(http, {"preset": "smoke", "publish": "never"}), "succeeded")["model"]
        weights = own_service.folder / "shelf" / model / "generator.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1])
        refused = http.get(f"/generate?model={model}")
        assert (refused.status_code, refused.json()["type"]) == (503, "model-not-ready")
        assert http.put("/models/active", json={"model": model}).status_code == 503
        assert str(weights) in own_service.log("app")
        assert http.get("/generate").status_code == 200

        (own_service.folder / "shelf" / "active").write_bytes(b"\xff")  # nothing that the code foresees
        crashed = http.get("/generate")
        assert (crashed.status_code, crashed.json()["type"]) == (500, "internal")
        assert crashed.headers["content-type"] == "application/problem+json"
        crashed = http.post("/v1/images/generations", json={"prompt": "7"})
        assert (crashed.status_code, crashed.json()["error"]["type"]) == (500, "server_error")
        assert http.get("/healthz").status_code == 200


def test_a_wrong_setting_is_named_at_the_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="did not start"), Service(tmp_path, datasets_dir=str(tmp_path / "none")):
        pass
    assert "DIGITFORGE_DATASETS_DIR" in capfd.readouterr().err


def test_a_worker_drains_while_redis_is_away(own_service: Service) -> None:
    with own_service, httpx.Client(base_url=own_service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        first_checkpoint(http, job_id)
        with Redis.from_url(redis_url(own_service)) as redis:
            redis.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
        wait_until(lambda: own_service.log("worker").count("beat missed") > 4)  # a backlog of events would be there now
        os.kill(own_service.worker(), signal.SIGTERM)
        wait_until(lambda: own_service.process.poll() is not None, timeout_s=30)  # what Compose gives it
    assert "it goes on elsewhere once the lease is over" in own_service.log("worker")
    assert "Traceback" not in own_service.log("worker")
    assert own_service.trainers() == []


def test_a_second_start_on_the_same_data_is_refused(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="did not start"), Service(service.folder):
        pass
    assert "is in use by another" in capfd.readouterr().err


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="did not start"), Service(tmp_path, port=port):
            pass
    error = capfd.readouterr().err
    assert f"127.0.0.1:{port}: Address already in use" in error
    assert "DIGITFORGE_PORT" in error
    assert not (tmp_path / "redis").exists()


def test_the_api_answers_while_another_process_changes_the_active_model(service: Service, http: httpx.Client) -> None:
    active = http.get("/models").json()["active"]
    with (service.folder / "shelf" / ".lock").open("w") as lock, ThreadPoolExecutor(1) as client:
        fcntl.flock(lock, fcntl.LOCK_EX)
        put = client.submit(http.put, "/models/active", json={"model": active})
        assert httpx.get(f"{service.base}/generate").status_code == 200
        assert httpx.get(f"{service.base}/readyz").status_code == 200
        assert not put.done()
        refused = put.result()
        assert (refused.status_code, refused.json()["type"]) == (503, "shelf-busy")
        assert refused.headers["retry-after"]
    assert http.put("/models/active", json={"model": active}).status_code == 200


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_served_on(tmp_path: Path) -> None:
    with Service(tmp_path, host="::1") as service:
        assert service.base.startswith("http://[::1]:")
        assert httpx.get(f"{service.base}/healthz", timeout=30).status_code == 200
