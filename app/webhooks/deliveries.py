"""/jobs/{id}/deliveries: what the job's webhooks were told of its end, and to tell one of them again."""

from typing import Annotated

from fastapi import APIRouter, Path

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


@router.post("/{job_id}/deliveries/{webhook_id}", status_code=202, responses=documented(409))
def send_again(
    job: OwnJobDep,
    webhook_id: Annotated[str, Path(max_length=64, description="As in the answer to POST /webhooks.")],
    services: ServicesDep,
) -> DeliveryList:
    """Send the message about a job's end to a webhook now, once more if it was delivered or given up."""
    services.webhooks.send_again(job.id, webhook_id)
    return list_deliveries(job, services)
