"""What a worker tells Prometheus of itself."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from celery import Celery
from prometheus_client import generate_latest
from redis import Redis

from cli.redis_server import RedisServer
from core.errors import StartError
from core.ports import hold_port, listen, port_of
from core.settings import Settings
from jobs.queue import celery_app
from jobs.store import JobStore
from sharing.places import Places
from tests.app.metrics.reading import Samples, one, samples
from worker.meters import Number, WorkerMeters
from worker.metrics import WorkerCollector, check_address, serve
from worker.sweeper import Sweeper


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def meters() -> WorkerMeters:
    return WorkerMeters(["cuda:0", "cpu"])


def told(meters: WorkerMeters, draining: bool = False) -> Samples:
    event = multiprocessing.Event()
    if draining:
        event.set()
    return samples(generate_latest(WorkerCollector(meters, event)).decode())


def test_a_device_at_work_is_told_from_an_idle_one(meters: WorkerMeters) -> None:
    lane = meters.lane(1)
    lane.begin(os.getpid())
    lane.beat(123.0)
    found = told(meters)
    for device, number, busy, rate in (("cuda:0", "0", 0, 0), ("cpu", "1", 1, 123)):
        labels = {"device": device, "lane": number}
        assert one(found, "digitforge_worker_busy", **labels) == busy
        assert one(found, "digitforge_worker_images_per_second", **labels) == rate
        assert one(found, "digitforge_worker_trainers_started_total", **labels) == busy
        assert (one(found, "digitforge_worker_trainer_memory_bytes", **labels) > 1_000_000) == bool(busy)
        assert (one(found, "digitforge_worker_last_beat_timestamp_seconds", **labels) > 1e9) == bool(busy)
    lane.idle()
    assert one(told(meters), "digitforge_worker_busy", device="cpu", lane="1") == 0


def test_what_a_pool_child_measures_is_told_by_the_main_process(meters: WorkerMeters) -> None:
    child = os.fork()
    if not child:
        meters.lane(0).begin(1)
        os._exit(0)
    os.waitpid(child, 0)
    assert one(told(meters), "digitforge_worker_busy", device="cuda:0", lane="0") == 1


def test_a_worker_that_drains_says_so(meters: WorkerMeters) -> None:
    assert one(told(meters), "digitforge_worker_draining") == 0
    assert one(told(meters, draining=True), "digitforge_worker_draining") == 1


def test_sweeps_are_counted_and_so_is_what_was_put_off(
    meters: WorkerMeters, settings: Settings, redis_server: RedisServer, redis: Redis
) -> None:
    redis.set("digitforge:files", "no set")
    there = settings.model_copy(update={"redis_url": redis_server.url})
    with closing(celery_app(there.redis_url)) as queue:
        sweep(there, queue, meters)
    found = told(meters)
    assert one(found, "digitforge_worker_sweeps_total") == 1
    assert one(found, "digitforge_worker_last_sweep_timestamp_seconds") > 1e9
    assert one(found, "digitforge_worker_chores_put_off_total") == 1


def sweep(settings: Settings, queue: Celery, meters: WorkerMeters) -> None:
    Sweeper(JobStore.of(settings), Places.of(settings), queue, meters).sweep()


@pytest.fixture
def port() -> Iterator[int]:
    with hold_port() as held:
        yield port_of(held)


def test_metrics_are_served_where_a_port_is_set(meters: WorkerMeters, settings: Settings, port: int) -> None:
    meters.set(Number.IMPORT_LANE_UP, 1)
    there = settings.model_copy(update={"worker_metrics_port": port})
    check_address(there)
    server = serve(there, meters, multiprocessing.Event())
    assert server is not None
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    server.shutdown()
    server.server_close()
    assert one(samples(answer.text), "digitforge_worker_import_lane_up") == 1


def test_a_port_that_is_taken_is_refused_at_the_start(settings: Settings) -> None:
    (taken,) = listen("127.0.0.1", 0)
    with taken, pytest.raises(StartError, match="DIGITFORGE_WORKER_METRICS_PORT"):
        check_address(settings.model_copy(update={"worker_metrics_port": port_of(taken)}))
    check_address(settings)  # without a port nothing is served
