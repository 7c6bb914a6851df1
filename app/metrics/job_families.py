"""The jobs of the whole deployment as Prometheus has them: the same at every API, whichever process did what."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from core.vocabulary import FailureKind, QueuedReason
from jobs.figures import KINDS, CounterName, JobFigures
from jobs.record import JobKind, JobStatus
from jobs.workers import Worker

_BY_KIND: dict[str, tuple[str, CounterName]] = {
    "digitforge_jobs_attempts": ("Attempts that workers began.", "claimed"),
    "digitforge_jobs_paused": ("Pauses that were carried out.", "paused"),
    "digitforge_jobs_strikes": ("Attempts that were lost with their worker, trainer or importer.", "strikes"),
}
_ENDS = (JobStatus.SUCCEEDED.value, JobStatus.CANCELLED.value, *(f"failed:{kind.value}" for kind in FailureKind))


def job_families(figures: JobFigures, max_queued: int) -> Iterator[Metric]:
    """Counters of what has happened to jobs, and how many there are in each state."""
    for name, (about, counter) in _BY_KIND.items():
        yield _counter(name, about, {kind: figures.of(counter).get((kind, ""), 0) for kind in KINDS})
    spent = {kind: figures.of("spent_ms").get((kind, ""), 0) / 1000 for kind in KINDS}
    yield _counter("digitforge_jobs_run_seconds", "Seconds that workers spent on attempts that are over.", spent)
    yield from _waits(figures)
    yield _ended(figures)
    deleted = CounterMetricFamily("digitforge_jobs_deleted", "Ended jobs that were deleted.", labels=["kind", "status"])
    for (kind, status), count in _summed(figures).items():
        deleted.add_metric([kind, status], count)
    yield deleted
    states = GaugeMetricFamily("digitforge_jobs", "Jobs that there are.", labels=["status"])
    for status_, count in figures.jobs.items():
        states.add_metric([status_.value], count)
    yield states
    demand = figures.jobs.get(JobStatus.QUEUED, 0) + figures.jobs.get(JobStatus.RUNNING, 0)
    yield GaugeMetricFamily("digitforge_jobs_demand", "Jobs that need a worker: queued or running.", value=demand)
    yield _gauge("digitforge_jobs_queued", "Jobs that wait for a worker.", figures.queued)
    about = "Seconds since the oldest waiting job was created; 0 where none waits."
    yield _gauge("digitforge_jobs_oldest_queued_seconds", about, figures.oldest_queued_s)
    limit = "How many jobs of a kind may wait."
    yield GaugeMetricFamily("digitforge_jobs_queue_limit", limit, value=max_queued)


def worker_family(workers: Iterable[Worker]) -> Metric:
    """How many workers told of themselves lately, by what they said."""
    counts = dict.fromkeys(("well", "faulty", "draining"), 0)
    for worker in workers:
        counts["draining" if worker.main.draining else "faulty" if worker.fault else "well"] += 1
    family = GaugeMetricFamily("digitforge_workers", "Workers that are there.", labels=["state"])
    for state, count in counts.items():
        family.add_metric([state], count)
    return family


def _waits(figures: JobFigures) -> Iterator[Metric]:
    """Those that were accepted, and those that came back to the queue."""
    queued = figures.of("queued")
    created = {kind: queued.get((kind, QueuedReason.CREATED), 0) for kind in KINDS}
    yield _counter("digitforge_jobs_created", "Jobs that were accepted.", created)
    requeued = CounterMetricFamily(
        "digitforge_jobs_requeued", "Jobs that went back to the queue.", labels=["kind", "reason"]
    )
    for kind in KINDS:
        for reason in QueuedReason:
            if reason is not QueuedReason.CREATED:
                requeued.add_metric([kind, reason.value], queued.get((kind, reason), 0))
    yield requeued


def _ended(figures: JobFigures) -> Metric:
    """With a 0 for each end that there may be: a first failure is an increase then, which an alert sees."""
    ended = CounterMetricFamily("digitforge_jobs_ended", "Jobs that ended.", labels=["kind", "status", "error"])
    counts = {(kind, end): 0 for kind in KINDS for end in _ENDS} | figures.of("ended")
    for (kind, end), count in counts.items():
        status, _, error = end.partition(":")
        ended.add_metric([kind, status, error], count)
    return ended


def _summed(figures: JobFigures) -> dict[tuple[JobKind, str], int]:
    """How many jobs were deleted by kind and status, whatever they failed with."""
    sums = {(kind, status.value): 0 for kind in KINDS for status in JobStatus if status.is_terminal}
    for (kind, end), count in figures.of("deleted").items():
        sums[kind, end.partition(":")[0]] += count
    return sums


def _counter(name: str, about: str, values: dict[JobKind, int] | dict[JobKind, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=["kind"])
    for kind, value in values.items():
        family.add_metric([kind], value)
    return family


def _gauge(name: str, about: str, values: dict[JobKind, int] | dict[JobKind, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=["kind"])
    for kind, value in values.items():
        family.add_metric([kind], value)
    return family
