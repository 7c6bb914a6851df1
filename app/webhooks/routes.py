"""/webhooks: have ends of jobs told to a URL."""

from typing import Annotated

from anyio import move_on_after, to_thread
from fastapi import APIRouter, Depends, Path, Response

from app.http.dependencies import ServicesDep, require_json
from app.http.guard import CallerDep
from app.http.json_body import JsonRoute
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, documented, not_accepted
from app.http.services import Services
from app.http.urls import url
from app.webhooks.views import NewSecret, RotateRequest, WebhookList, WebhookRequest, WebhookView
from core.access import Scope
from core.errors import WebhookNotFound, WebhookUnreachable
from webhooks.record import Webhook
from webhooks.targets import Reach, Target, resolve

router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=documented(422, 503), route_class=JsonRoute)

WebhookId = Annotated[str, Path(max_length=64, description="As in the answer to POST /webhooks.")]
RESOLVE_S = 5.0


def _own(webhook_id: WebhookId, services: ServicesDep, caller: CallerDep) -> Webhook:
    """The webhook that a URL names, of the caller's own. Another's is as good as none."""
    webhook = services.webhooks.get(webhook_id)
    if not caller.owns(webhook.caller):
        raise WebhookNotFound(f"no webhook {webhook_id!r}")
    return webhook


OwnWebhook = Annotated[Webhook, Depends(_own)]


@router.post("", status_code=201, dependencies=[Depends(require_json)], responses=documented(400, 403, 409, 413, 415))
async def register(request: WebhookRequest, response: Response, services: ServicesDep, caller: CallerDep) -> NewSecret:
    """Have the ends of your jobs told to a URL. The answer holds the secret that signs the messages, this once."""
    if services.settings.webhooks == "off":
        raise ProblemError(ProblemType.WEBHOOKS_OFF, "webhooks are off here; DIGITFORGE_WEBHOOKS turns them on")
    await _require_reachable(request.url, services)
    webhook = await to_thread.run_sync(services.webhooks.create, caller.id, request.url, request.events)
    response.headers["Location"] = url(f"/webhooks/{webhook.id}")
    response.headers["Cache-Control"] = "no-store"
    return NewSecret.of(webhook)


async def _require_reachable(webhook_url: str, services: Services) -> None:
    """Refuse a URL that no message could be sent to. The same is checked before each message."""
    target, reach = Target.parse(webhook_url), Reach.of(services.settings)
    error = WebhookUnreachable(target.host)
    with move_on_after(RESOLVE_S):
        try:
            await to_thread.run_sync(
                reach.addresses, target, resolve, abandon_on_cancel=True, limiter=services.resolvers
            )
        except WebhookUnreachable:
            pass
        else:
            return
    raise not_accepted([FieldProblem(pointer="/url", detail=f"{error}", value=webhook_url)])


@router.get("")
def list_webhooks(services: ServicesDep, caller: CallerDep) -> WebhookList:
    """Your webhooks, oldest first; with the scope `admin` those of all."""
    found = services.webhooks.registered(None if caller.may(Scope.ADMIN) else caller.id)
    return WebhookList(data=[WebhookView.of(webhook) for webhook in found])


@router.get("/{webhook_id}", responses=documented(404))
def get_webhook(webhook: OwnWebhook) -> WebhookView:
    """One of them, and what came of its last request."""
    return WebhookView.of(webhook)


@router.post("/{webhook_id}/rotate", dependencies=[Depends(require_json)], responses=documented(400, 404, 413, 415))
def rotate(
    webhook: OwnWebhook, services: ServicesDep, response: Response, request: RotateRequest | None = None
) -> NewSecret:
    """Give it a new secret. For a while messages carry a signature of the old one too."""
    response.headers["Cache-Control"] = "no-store"
    return NewSecret.of(services.webhooks.rotate(webhook.id, (request or RotateRequest()).overlap_s))


@router.post("/{webhook_id}/test", status_code=202, responses=documented(404, 409))
def test(webhook: OwnWebhook, services: ServicesDep) -> WebhookView:
    """Send it a `webhook.test` message, once. `last` of the webhook says what came of it."""
    services.webhooks.test(webhook.id)
    return WebhookView.of(webhook)


@router.delete("/{webhook_id}", status_code=204, responses=documented(404))
def delete(webhook: OwnWebhook, services: ServicesDep) -> None:
    """Delete it. Messages that wait are dropped."""
    services.webhooks.delete(webhook.id)
