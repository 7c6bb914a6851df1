"""A training that goes on on another machine: real supervisors and trainers, a folder for each machine, one store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.card import read_card
from core.recipe import PRESETS
from core.settings import Settings
from jobs.record import JobStatus, TrainSpec
from jobs.store import JobStore
from objects.files import FileStore
from sharing.places import Places
from tests.jobs.claims import wait_for_uptime
from tests.service import children, wait_until
from worker.supervisor import Supervisor

EPOCHS = 4
HOST = """
from core.settings import Settings
from jobs.store import JobStore
from sharing.places import Places
from worker.supervisor import Supervisor

settings = Settings()
Supervisor(JobStore.of(settings), Places.of(settings), "cpu", lambda: False).run()
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of the networks of a run that nobody disturbs."""
    run = tmp_path_factory.mktemp("unbroken") / "run"
    command = [sys.executable, "-m", "worker.training", "--preset", "smoke", "--epochs", str(EPOCHS)]
    subprocess.run([*command, "--run-dir", str(run), "--device", "cpu", "--threads", "1"], check=True)
    return read_card(run / "checkpoints" / f"epoch-{EPOCHS:04}").sha256


def settings_of(host: str, tmp_path: Path, redis_server: RedisServer) -> Settings:
    return Settings(
        redis_url=redis_server.url,
        data_dir=tmp_path / host,
        store_url=(tmp_path / "store").as_uri(),
        trainer_threads=1,
        heartbeat_s=0.1,
        lease_s=1,
    )


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_a_job_goes_on_on_another_machine_to_the_same_bytes(
    tmp_path: Path, store: JobStore, redis_server: RedisServer, redis: Redis, unbroken: dict[str, str], how: str
) -> None:
    here, there = (settings_of(host, tmp_path, redis_server) for host in ("here", "there"))
    recipe = PRESETS["smoke"].model_copy(update={"epochs": EPOCHS})
    job_id = store.create(TrainSpec(preset="smoke", recipe=recipe, publish="never")).job.id
    if how == "killed":
        environment = os.environ | {
            f"DIGITFORGE_{name.upper()}": str(getattr(here, name))
            for name in ("redis_url", "data_dir", "store_url", "trainer_threads", "heartbeat_s", "lease_s")
        }
        host = subprocess.Popen([sys.executable, "-c", HOST], env=environment)
        wait_until(lambda: store.get(job_id).saved is not None)
        (trainer,) = children(host.pid)
        host.kill()
        host.wait()
        wait_until(lambda: not Path(f"/proc/{trainer}").exists())
        vanish(redis, job_id)
    else:
        Supervisor(store, Places.of(here), "cpu", lambda: store.get(job_id).saved is not None).run()
        assert store.get(job_id).status is JobStatus.QUEUED
    begun = here.runs_dir / job_id / "attempt-001"
    assert (begun / "checkpoints" / "epoch-0001").is_dir()
    assert not (begun / "checkpoints" / f"epoch-{EPOCHS:04}").exists()

    places = Places.of(there)
    Supervisor(store, places, "cpu", lambda: False).run()
    job = store.get(job_id)
    assert (job.status, job.attempt, job.error) == (JobStatus.SUCCEEDED, 2, None)
    made = places.runs.of(job_id).attempt(2)
    assert read_card(made.checkpoint(EPOCHS)).sha256 == unbroken
    assert made.sample(1).read_bytes() == (begun / "samples" / "epoch-0001.png").read_bytes()
    for epoch in range(EPOCHS + 1):  # and all of it is in the store
        assert places.runs.files(job)[0].find(Path(f"samples/epoch-{epoch:04}.png")) is not None
    (elsewhere,) = Places.of(settings_of("elsewhere", tmp_path, redis_server)).runs.files(job)
    assert elsewhere.sample_epochs() == list(range(EPOCHS + 1))
    assert elsewhere.checkpoint_epochs() == list(range(1, EPOCHS + 1))
    named = {listed.key for listed in FileStore(tmp_path / "store").list(f"runs/{job_id}/")}
    assert job.saved in named


def vanish(redis: Redis, job_id: str) -> None:
    """Have the lease of a job taken away."""
    wait_for_uptime(redis, 2)
    redis.zadd("digitforge:leases", {job_id: 1})
    assert JobStore(redis, lease_s=1).sweep() == {job_id: "queued"}
