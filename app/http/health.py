"""Probes: liveness touches nothing, readiness says whether images can be drawn."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from redis import RedisError

from app.http.dependencies import ServicesDep
from app.http.parameters import StrictRoute
from core.version import VERSION

router = APIRouter(tags=["health"], route_class=StrictRoute)


class Health(BaseModel):
    """The process is alive."""

    status: str = "ok"
    version: str = Field(VERSION, description="The version of digitforge.")


class Readiness(BaseModel):
    """Whether images can be drawn, and what else is there."""

    ready: bool
    model: str | None = Field(description="The active model, loaded and warm.")
    redis: bool = Field(description="Whether the job store answers; images are drawn without it too.")
    store: bool | None = Field(
        description="Whether the object store answers, as of a few seconds ago; null where there is none."
    )


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
def readyz(response: Response, services: ServicesDep) -> Readiness:
    """Ready when a model is loaded and warm. Redis being away stops training, not drawing.

    A machine whose models come from a store is ready once it has seen it; that it is away later does no harm.
    """
    active = services.shelf.active()
    try:
        services.store.ping()
        redis = True
    except RedisError:
        redis = False
    follower = services.places.follower
    ready = bool(services.renderer.loaded()) and (follower is None or follower.seen_ago_s() is not None)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, model=active if ready else None, redis=redis, store=services.store_is_up)
