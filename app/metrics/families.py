"""The meters as Prometheus has them. `docs/operations.md` lists every metric."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from app.metrics.meters import (
    ANOTHER_STATUS,
    BATCHES,
    DRAW,
    ENCODE,
    IMAGES,
    LIMITS,
    QUEUE,
    REFUSALS,
    REFUSED,
    ROUTES,
    SOURCES,
    STATUSES,
    TURNED_AWAY,
    Gauge,
    Histogram,
    Meters,
    Source,
    answers_at,
    seconds_at,
)
from core.build_info import build_info

_HISTOGRAMS = {
    "digitforge_draw_queue_seconds": ("How long requests for images waited for their first batch.", QUEUE),
    "digitforge_draw_seconds": ("How long their drawing took from there.", DRAW),
    "digitforge_encode_seconds": ("How long a picture took to become a file.", ENCODE),
    "digitforge_batch_images": ("Images drawn by one forward pass; 16 fill a batch.", BATCHES),
}
_GAUGES = {
    "digitforge_http_requests_in_progress": ("Requests under way, event streams too.", Gauge.IN_PROGRESS),
    "digitforge_models_in_memory": ("Models in memory, of all processes.", Gauge.MODELS),
    "digitforge_models_memory_bytes": ("Weights of these models.", Gauge.MODEL_BYTES),
    "digitforge_picture_memory_bytes": ("Finished pictures in memory, of all processes.", Gauge.PICTURE_BYTES),
}


class Held(NamedTuple):
    """What waits or is open at the moment, in all processes."""

    images_waiting: int
    streams: int
    connections: int


def families(meters: Meters, held: Held) -> Iterator[Metric]:
    """All that the processes of this API have measured."""
    totals = meters.numbers.totals()
    yield _build()
    yield from _requests(totals)
    for name, (about, histogram) in _HISTOGRAMS.items():
        family = HistogramMetricFamily(name, about)
        _fill(family, [], histogram, totals)
        yield family
    for name, (about, gauge) in _GAUGES.items():
        yield GaugeMetricFamily(name, about, value=totals[gauge])
    for name, (about, value) in {
        "digitforge_images_waiting": ("Images that wait to be drawn.", held.images_waiting),
        "digitforge_event_streams": ("Event streams and long polls that are open.", held.streams),
        "digitforge_connections": ("Connections that are open.", held.connections),
    }.items():
        yield GaugeMetricFamily(name, about, value=value)
    yield CounterMetricFamily("digitforge_images_drawn", "Images drawn for requests.", value=totals[IMAGES])
    pictures = CounterMetricFamily("digitforge_pictures", "Answers of GET /generate with a picture.", labels=["source"])
    for source in Source:
        pictures.add_metric([source.name.lower()], totals[SOURCES + source])
    yield pictures
    refused = CounterMetricFamily("digitforge_limit_refusals", "Requests refused by a limit.", labels=["limit"])
    for number, limit in enumerate(LIMITS):
        refused.add_metric([limit], totals[REFUSED + number])
    yield refused
    ended = CounterMetricFamily("digitforge_connections_refused", "Connections ended by the API.", labels=["reason"])
    for number, reason in enumerate(REFUSALS):
        ended.add_metric([reason], totals[TURNED_AWAY + number])
    yield ended
    yield from _processes(meters)


def disk(folder: Path) -> Iterator[Metric]:
    """The file system of the data directory."""
    try:
        found = os.statvfs(folder)
    except OSError:  # that the folder is away is no reason to tell nothing of the rest
        return
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    yield GaugeMetricFamily("digitforge_data_size_bytes", "Size of the data directory's file system.", value=size)
    yield GaugeMetricFamily("digitforge_data_free_bytes", "Free there.", value=free)


def _build() -> Metric:
    info = build_info()
    family = GaugeMetricFamily("digitforge_build_info", "What runs; always 1.", labels=["part", *info])
    family.add_metric(["api", *info.values()], 1)
    return family


def _requests(totals: Sequence[float]) -> Iterator[Metric]:
    """Of the routes that were asked for anything yet."""
    counted = CounterMetricFamily(
        "digitforge_http_requests", "Requests by route, method and status.", labels=["route", "method", "status"]
    )
    timed = HistogramMetricFamily(
        "digitforge_http_request_seconds", "Seconds until the answer began.", labels=["route", "method"]
    )
    for number, name in enumerate(ROUTES):
        method, _, route = name.rpartition(" ")
        first = answers_at(number)
        for status, count in zip(STATUSES, totals[first:], strict=False):
            if count:
                shown = "other" if status == ANOTHER_STATUS else str(status)
                counted.add_metric([route, method or "other", shown], count)
        if any(totals[first : first + len(STATUSES)]):
            _fill(timed, [route, method or "other"], seconds_at(number), totals)
    yield counted
    yield timed


def _fill(family: HistogramMetricFamily, labels: list[str], histogram: Histogram, totals: Sequence[float]) -> None:
    buckets, count = [], 0.0
    for slot, bound in enumerate((*histogram.bounds, float("inf")), histogram.first):
        count += totals[slot]
        buckets.append(("+Inf" if bound == float("inf") else str(bound), count))
    family.add_metric(labels, buckets, totals[histogram.end - 1])


def _processes(meters: Meters) -> Iterator[Metric]:
    pids = [int(pid) for pid in meters.numbers.each(Gauge.PID)]
    models = meters.numbers.each(Gauge.MODELS)
    resident = sum(_resident_bytes(pid) for pid in pids if pid)
    ready = sum(1 for held in models if held)
    yield GaugeMetricFamily("digitforge_api_processes", "Processes that this API should have.", value=len(pids))
    yield GaugeMetricFamily("digitforge_api_processes_ready", "Those that have a model in memory.", value=ready)
    yield GaugeMetricFamily("digitforge_api_resident_bytes", "Resident memory of all of them.", value=resident)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:  # it has ended, or there is no /proc
        return 0
