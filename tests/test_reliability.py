"""What a job goes through when its processes are killed, frozen or stopped: it ends, and with the right bytes.

`docs/reliability.md` lists each fault with the test that proves the promise.
"""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from core.card import read_card
from core.files import TEMPORARY_PREFIX
from core.recipe import with_preset
from jobs.queue import QUEUE, celery_app, enqueue
from jobs.redis_client import connect
from tests.service import Service, children, follow, redis_url, wait_until

LEASE_S, WATCHDOG_S = "3", "25"
SMOKE = {"preset": "smoke", "publish": "never"}
LONG = {**SMOKE, "epochs": 10_000}
WITH_PENALTY = {**SMOKE, "d_norm": "none", "r1_gamma": 0.2, "seed": 5}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that gives up a silent worker or trainer within seconds."""
    folder = tmp_path_factory.mktemp("impatient")
    with Service(folder, lease_s=LEASE_S, watchdog_s=WATCHDOG_S, crash_file=str(folder / "crash")) as running:
        yield running


@pytest.fixture
def http(impatient: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=impatient.base, timeout=30) as client:
        yield client


@pytest.fixture
def redis(impatient: Service) -> Iterator[Redis]:
    client = connect(redis_url(impatient))
    yield client
    client.close()


def submit(http: httpx.Client, body: Mapping[str, object]) -> str:
    return str(http.post("/train", json=body).raise_for_status().json()["id"])


def read(http: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = http.get(f"/jobs/{job_id}").raise_for_status().json()
    return job


def reach(http: httpx.Client, job_id: str, epoch: int, attempt: int = 1) -> None:
    """Wait until an attempt of a job has begun an epoch."""

    def reached() -> bool:
        job = read(http, job_id)
        return bool(job["attempt"] >= attempt and job["progress"] and job["progress"]["epoch"] >= epoch)

    wait_until(reached, timeout_s=60)


def told(http: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    """What was told of a job, without its progress."""
    events = http.get(f"/jobs/{job_id}/events?format=json&limit=1000").raise_for_status().json()["data"]
    return [event for event in events if event["type"] != "progress"]


def kinds(http: httpx.Client, job_id: str) -> list[str]:
    return [event["type"] for event in told(http, job_id)]


def reasons(http: httpx.Client, job_id: str) -> list[str]:
    """Why a job was put into the queue, each time."""
    return [event["data"]["reason"] for event in told(http, job_id) if event["type"] == "queued"]


def cancel(http: httpx.Client, job_id: str) -> None:
    http.post(f"/jobs/{job_id}/cancel")
    follow(http, job_id, "cancelled")


def temporaries(service: Service) -> set[Path]:
    """What is half written. Of one that is killed it stays, until nobody can be writing it any more."""
    runs, shelf = service.folder / "runs", service.folder / "shelf"
    return {*runs.rglob(f"{TEMPORARY_PREFIX}*"), *shelf.glob(f"{TEMPORARY_PREFIX}*")}


def digests(service: Service, model: str) -> dict[str, str]:
    return read_card(service.folder / "shelf" / model).sha256


def unbroken(folder: Path, body: dict[str, Any]) -> dict[str, str]:
    """The digests of the networks that a run gives which nobody disturbs."""
    recipe = folder / "recipe.json"
    knobs = {name: value for name, value in body.items() if name not in ("preset", "publish")}
    recipe.write_text(json.dumps(with_preset("smoke", knobs)))
    command = [sys.executable, "-m", "worker.training", "--recipe", str(recipe)]
    command += ["--device", "cpu", "--threads", "1"]
    run_dir = folder / "run"
    told = subprocess.run([*command, "--run-dir", str(run_dir)], check=True, capture_output=True, text=True).stdout
    checkpoint: str = json.loads(told.splitlines()[-1])["checkpoint"]
    return read_card(run_dir / checkpoint).sha256


def test_a_job_that_is_killed_paused_and_stopped_ends_with_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    body = {**WITH_PENALTY, "epochs": 60}
    service = Service(tmp_path / "var", lease_s=LEASE_S, watchdog_s=WATCHDOG_S)
    with service, httpx.Client(base_url=service.base) as http:
        job_id = submit(http, body)
        reach(http, job_id, epoch=5)
        os.kill(service.trainers()[0], signal.SIGKILL)
        reach(http, job_id, epoch=15, attempt=2)
        os.kill(service.supervisor(), signal.SIGKILL)
        reach(http, job_id, epoch=25, attempt=3)
        http.post(f"/jobs/{job_id}/pause")
        follow(http, job_id, "paused")
        http.post(f"/jobs/{job_id}/resume")
        reach(http, job_id, epoch=35, attempt=4)
        assert service.stop() == 0  # which drains the worker
    with service, httpx.Client(base_url=service.base) as http:
        job = follow(http, job_id, "succeeded")
        assert reasons(http, job_id) == ["created", "trainer lost", "worker lost", "resumed", "released"]
        assert kinds(http, job_id)[-1] == "succeeded"
        wait_until(lambda: not temporaries(service), timeout_s=90)
    assert job["attempt"] == 5
    assert digests(service, job["model"]) == unbroken(tmp_path, body)
    assert read_card(service.folder / "shelf" / job["model"]).bit_exact


@contextmanager
def second_worker(service: Service, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another worker on the same Redis and data."""
    with (service.folder / "logs" / "second.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker"], env=service.environment(**settings), stdout=log, stderr=log
        )
    try:
        yield worker
    finally:
        worker.terminate()
        assert worker.wait(30) == 0


def test_a_worker_that_was_frozen_for_longer_than_its_lease_changes_nothing(
    http: httpx.Client, impatient: Service
) -> None:
    shipped = http.get("/models").json()["active"]
    job_id = submit(http, {**WITH_PENALTY, "epochs": 12, "publish": "always"})
    wait_until(impatient.trainers)
    frozen = [impatient.trainers()[0], impatient.supervisor()]  # the other way round, it would end what is to be woken
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    with second_worker(impatient):
        job = follow(http, job_id, "succeeded")
        assert (job["attempt"], reasons(http, job_id)) == (2, ["created", "worker lost"])
        http.put("/models/active", json={"model": shipped}).raise_for_status()
        before = told(http, job_id)
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: f"job {job_id}: lost to another worker" in impatient.log("worker"))
    assert impatient.trainers() == []
    assert told(http, job_id) == before
    assert http.get("/models").json()["active"] == shipped
    follow(http, submit(http, SMOKE), "succeeded")  # and it works on


POINTS = [
    f"{kind}:{moment}" for kind in ("attempt", "shelf") for moment in ("before-fsync", "before-rename", "after-rename")
]
POINTS += ["publish:before-commit", "publish:after-commit", "publish:before-success"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, str]]:
    """Digests of unbroken runs, by seed."""
    folder = tmp_path_factory.mktemp("published")
    return {1: unbroken(folder, {**SMOKE, "seed": 1})}


@pytest.mark.parametrize("point", POINTS)
def test_a_supervisor_that_dies_at_any_point_of_publishing_leaves_it_to_another(
    http: httpx.Client, impatient: Service, published: dict[int, dict[str, str]], point: str
) -> None:
    shipped = http.get("/models").json()["active"]
    for shelved in (impatient.folder / "shelf").glob("?" * 16):  # or nothing would be put there
        for file in shelved.iterdir():
            file.unlink()
        shelved.rmdir()
    crash_file = impatient.folder / "crash"
    crash_file.write_text(point)
    before = impatient.supervisor()
    job = follow(http, submit(http, {**SMOKE, "seed": 1, "publish": "always"}), "succeeded")
    assert not crash_file.exists()
    wait_until(lambda: before not in children(impatient.worker()))  # its end may be seen later than another's work
    assert digests(impatient, job["model"]) == published[1]
    assert http.get("/models").json()["active"] == job["model"]
    assert job["publication"]["active"]
    assert kinds(http, job["id"])[-2:] == ["publishing", "succeeded"]
    assert kinds(http, job["id"]).count("succeeded") == 1
    http.put("/models/active", json={"model": shipped}).raise_for_status()


def test_a_model_is_published_once_whoever_holds_the_shelf_lets_go(http: httpx.Client, impatient: Service) -> None:
    with (impatient.folder / "shelf" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        job_id = submit(http, {**SMOKE, "seed": 31, "publish": "auto"})
        wait_until(lambda: f"job {job_id}: left to the sweeper" in impatient.log("worker"), timeout_s=60)
        assert read(http, job_id)["status"] == "running"
        other = submit(http, {**SMOKE, "seed": 32})  # which needs no lock
        follow(http, other, "succeeded")
        wait_until(lambda: f"job {job_id}: published later" in impatient.log("worker"))
    follow(http, job_id, "succeeded")
    assert kinds(http, job_id).count("succeeded") == 1


def test_a_trainer_that_goes_silent_is_ended_and_its_job_goes_on(http: httpx.Client, impatient: Service) -> None:
    job_id = submit(http, LONG)
    reach(http, job_id, epoch=2)
    (trainer,) = impatient.trainers()
    os.kill(trainer, signal.SIGSTOP)
    wait_until(lambda: read(http, job_id)["attempt"] == 2, timeout_s=60)
    reach(http, job_id, epoch=3, attempt=2)
    assert f"job {job_id}: the trainer said nothing for {WATCHDOG_S} s" in impatient.log("worker")
    assert trainer not in impatient.trainers()
    assert reasons(http, job_id) == ["created", "trainer lost"]
    cancel(http, job_id)


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Let the kernel refuse whatever a process writes into files."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def warned_of_full_disk(http: httpx.Client, job_id: str) -> bool:
    return any(event["data"]["kind"] == "disk-full" for event in told(http, job_id) if event["type"] == "warning")


def test_a_trainer_waits_for_space_on_a_full_disk(http: httpx.Client, impatient: Service, tmp_path: Path) -> None:
    body = {**WITH_PENALTY, "epochs": 20}
    left_by_others = temporaries(impatient)
    job_id = submit(http, body)
    reach(http, job_id, epoch=2)
    (trainer,) = impatient.trainers()
    with full_disk(trainer):
        wait_until(lambda: warned_of_full_disk(http, job_id))
        assert [warning["kind"] for warning in read(http, job_id)["progress"]["warnings"]] == ["disk-full"]
        assert temporaries(impatient) <= left_by_others
        time.sleep(1.5)
        assert read(http, job_id)["status"] == "running"
    job = follow(http, job_id, "succeeded")
    assert job["attempt"] == 1
    assert digests(impatient, job["model"]) == unbroken(tmp_path, body)


def test_a_supervisor_waits_for_space_on_a_full_disk(http: httpx.Client, impatient: Service) -> None:
    left_by_others = temporaries(impatient)
    with full_disk(impatient.supervisor()):
        job_id = submit(http, {**SMOKE, "seed": 21})
        wait_until(lambda: warned_of_full_disk(http, job_id))
        assert impatient.trainers() == []
        assert temporaries(impatient) <= left_by_others
    follow(http, job_id, "succeeded")


def test_a_worker_whose_main_process_is_killed_ends_whole_and_another_goes_on(
    http: httpx.Client, impatient: Service, redis: Redis
) -> None:
    with second_worker(impatient) as doomed:
        blocked, job_id = submit(http, LONG), submit(http, LONG)
        wait_until(lambda: len(impatient.trainers()) == 2)
        (supervisor,) = children(doomed.pid)
        (trainer,) = children(supervisor)
        doomed.kill()
        wait_until(lambda: trainer not in impatient.trainers() and not Path(f"/proc/{supervisor}").exists())
        doomed.returncode = 0  # it was meant to end so
    wait_until(lambda: {read(http, name)["status"] for name in (blocked, job_id)} == {"running", "queued"})
    cancel(http, blocked)
    cancel(http, job_id)


def test_lost_and_doubled_messages_change_nothing(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    blocking, lost, doubled = submit(http, LONG), submit(http, SMOKE), submit(http, SMOKE)
    follow(http, blocking, "running")
    wait_until(lambda: redis.llen(QUEUE) == 2)
    redis.delete(QUEUE)
    with celery_app(redis_url(impatient)) as queue:
        for _ in range(3):
            enqueue(queue, doubled)
    cancel(http, blocking)
    for job_id in (lost, doubled):
        assert follow(http, job_id, "succeeded")["attempt"] == 1
        assert kinds(http, job_id).count("running") == 1


def test_a_drained_worker_costs_its_job_no_strike(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    blocking = submit(http, LONG)
    follow(http, blocking, "running")
    with second_worker(impatient):
        job_id = submit(http, LONG)
        follow(http, job_id, "running")
    assert read(http, job_id)["status"] == "queued"
    assert redis.hget(f"digitforge:job:{job_id}", "strikes") == "0"
    assert reasons(http, job_id) == ["created", "released"]
    cancel(http, job_id)
    cancel(http, blocking)


def test_a_stream_outlives_redis_being_away(http: httpx.Client, impatient: Service, redis: Redis) -> None:
    job_id = submit(http, {**WITH_PENALTY, "epochs": 12})
    seen: list[str] = []
    with http.stream("GET", f"/jobs/{job_id}/events") as response:
        for line in response.iter_lines():
            if line == "event: started":
                redis.execute_command("CLIENT", "PAUSE", 4000, "ALL")  # type: ignore[no-untyped-call]
            if line.startswith("id: "):
                seen.append(line.removeprefix("id: "))
    everything = http.get(f"/jobs/{job_id}/events?format=json&limit=1000").json()["data"]
    assert seen == [event["id"] for event in everything]
    assert everything[-1]["type"] == "succeeded"


def test_an_open_stream_does_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    with Service(tmp_path) as service, httpx.Client(base_url=service.base, timeout=30) as http:
        job_id = submit(http, LONG)
        with http.stream("GET", f"/jobs/{job_id}/events") as response:
            lines = response.iter_lines()
            next(lines)
            assert service.stop() == 0
            list(lines)  # it ends by itself, and whole
    assert "Traceback" not in service.log("app")
