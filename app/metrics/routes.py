"""GET /metrics: what this API and its processes have done, and the jobs of the whole deployment, for Prometheus."""

from collections.abc import Iterator
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import exposition
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from redis import RedisError

from app.http.dependencies import ServicesDep
from app.http.negotiation import accepted
from app.http.parameters import StrictRoute
from app.http.services import Services
from app.metrics.families import Held, disk, families
from app.metrics.job_families import job_families, worker_family
from jobs.redis_away import is_redis_away

router = APIRouter(tags=["health"], route_class=StrictRoute)

Format = Literal["plain", "openmetrics"]
FORMATS: dict[Format, tuple[str, ...]] = {"plain": ("text/plain",), "openmetrics": ("application/openmetrics-text",)}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {name: {"schema": {"type": "string"}} for names in FORMATS.values() for name in names}}
}
HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


class _Found:
    """What there is to tell, as an encoder asks for it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Families, in the order of the page. Those of jobs and workers are not there while Redis is away."""
        services = self._services
        held = Held(services.renderer.waiting(), services.streams.taken, services.connections.taken)
        yield from families(services.meters, held)
        yield from disk(services.settings.data_dir)
        try:
            in_redis = [
                *job_families(services.store.figures(), services.settings.max_queued),
                worker_family(services.workers.all()),
            ]
        except RedisError as error:
            if not is_redis_away(error):
                raise
            in_redis = []
        yield GaugeMetricFamily("digitforge_redis_up", "Whether the job store answers.", value=int(bool(in_redis)))
        yield from in_redis
        if services.store_is_up is not None:
            text = "Whether the object store that machines share answers."
            yield GaugeMetricFamily("digitforge_store_up", text, value=int(services.store_is_up))
        if services.places.follower:
            text = "When this machine's copies were last what the store says."
            seen_at = services.places.follower.seen_at()
            yield GaugeMetricFamily("digitforge_store_followed_timestamp_seconds", text, value=seen_at)


@router.get("/metrics", response_class=Response, responses=DOCUMENTED)
def metrics(request: Request, services: ServicesDep) -> Response:
    """Everything that is measured, in Prometheus' text format, or OpenMetrics' where `Accept` likes that better."""
    found = _Found(services)
    if accepted(request, FORMATS) == "openmetrics":
        data = openmetrics.generate_latest(found, version="1.0.0")  # type: ignore[no-untyped-call]
        return Response(data, media_type=openmetrics.CONTENT_TYPE_LATEST, headers=HEADERS)
    data = exposition.generate_latest(found)
    return Response(data, media_type=exposition.CONTENT_TYPE_PLAIN_0_0_4, headers=HEADERS)
