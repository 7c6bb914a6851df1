"""The worker's metrics for Prometheus, on a port of the main process. `docs/operations.md` lists every metric."""

import logging
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from core.build_info import build_info
from core.ports import listen
from core.settings import Settings
from worker.device_memory import memory_mb
from worker.meters import LaneNumber, Number, WorkerMeters

MB = 2**20
ADDRESS = "DIGITFORGE_WORKER_METRICS_HOST:DIGITFORGE_WORKER_METRICS_PORT"

logger = logging.getLogger(__name__)

_GAUGES = {
    "digitforge_worker_last_sweep_timestamp_seconds": ("When the sweeper was last through.", Number.SWEPT_AT),
    "digitforge_worker_import_lane_up": ("Whether the process that imports is there.", Number.IMPORT_LANE_UP),
}
_COUNTERS = {
    "digitforge_worker_sweeps": ("How often the sweeper was through.", Number.SWEEPS),
    "digitforge_worker_chores_put_off": ("Its chores that failed, and are tried again.", Number.PUT_OFF),
    "digitforge_worker_import_lane_starts": ("How often that process was started.", Number.IMPORT_LANE_STARTS),
}


class WorkerCollector:
    """Tells what the meters of a worker say."""

    def __init__(self, meters: WorkerMeters, draining: Event) -> None:
        self._meters, self._draining = meters, draining

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape."""
        info = build_info()
        build = GaugeMetricFamily("digitforge_build_info", "What runs; always 1.", labels=["part", *info])
        build.add_metric(["worker", *info.values()], 1)
        yield build
        for name, (about, number) in _GAUGES.items():
            yield GaugeMetricFamily(name, about, value=self._meters[number])
        for name, (about, number) in _COUNTERS.items():
            yield CounterMetricFamily(name, about, value=self._meters[number])
        about = "Whether it takes no more jobs, because it is to end."
        yield GaugeMetricFamily("digitforge_worker_draining", about, value=int(self._draining.is_set()))
        yield from self._lanes()

    def _lanes(self) -> Iterator[Metric]:
        labels = ["device", "lane"]
        busy = GaugeMetricFamily("digitforge_worker_busy", "Whether a trainer works on a device.", labels=labels)
        jobs = CounterMetricFamily("digitforge_worker_trainers_started", "Trainers started on it.", labels=labels)
        rate = GaugeMetricFamily("digitforge_worker_images_per_second", "How fast it trains.", labels=labels)
        about = "When its supervisor was last heard of."
        beat = GaugeMetricFamily("digitforge_worker_last_beat_timestamp_seconds", about, labels=labels)
        memory = GaugeMetricFamily("digitforge_worker_trainer_memory_bytes", "What its trainer holds.", labels=labels)
        for index, device in enumerate(self._meters.devices):
            lane, names = self._meters.lane(index), [device, str(index)]
            trainer = int(lane[LaneNumber.TRAINER])
            busy.add_metric(names, int(trainer > 0))
            jobs.add_metric(names, lane[LaneNumber.JOBS])
            rate.add_metric(names, lane[LaneNumber.IMAGES_PER_S])
            beat.add_metric(names, lane[LaneNumber.BEAT_AT])
            memory.add_metric(names, memory_mb(trainer, device) * MB if trainer else 0)
        yield from (busy, jobs, rate, beat, memory)


def check_address(settings: Settings) -> None:
    """Raise StartError where the worker's metrics cannot be served. Before anything is started."""
    if settings.worker_metrics_port is not None:
        for listening in listen(settings.worker_metrics_host, settings.worker_metrics_port, ADDRESS):
            listening.close()


def serve(settings: Settings, meters: WorkerMeters, draining: Event) -> WSGIServer | None:
    """Serve them in a thread, if a port is set, until the server that is returned is shut down."""
    if settings.worker_metrics_port is None:
        return None
    collector = WorkerCollector(meters, draining)
    try:
        server, _ = start_http_server(settings.worker_metrics_port, settings.worker_metrics_host, collector)
    except OSError as error:
        logger.error("no metrics are served: %s", error)
        return None
    return server
