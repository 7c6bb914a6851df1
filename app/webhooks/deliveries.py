"""GET /jobs/{id}/deliveries: what the job's webhooks were told of its end."""

from fastapi import APIRouter

from app.http.dependencies import ServicesDep
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.jobs.own import OwnJobDep
from app.webhooks.views import DeliveryList, DeliveryView

router = APIRouter(prefix="/jobs", tags=["webhooks"], responses=documented(404, 422, 503), route_class=StrictRoute)


@router.get("/{job_id}/deliveries")
def list_deliveries(job: OwnJobDep, services: ServicesDep) -> DeliveryList:
    """What became of the messages about a job's end: one for each webhook that was to be told."""
    return DeliveryList(data=[DeliveryView.of(job.id, one) for one in services.webhooks.deliveries(job.id)])
