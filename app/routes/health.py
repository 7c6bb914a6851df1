"""Probes: liveness touches nothing, readiness says whether images can be drawn."""

from fastapi import APIRouter, Response
from redis import RedisError

from app.deps import ShelfDep, StoreDep, StudioDep
from app.schemas import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
def readyz(response: Response, shelf: ShelfDep, studio: StudioDep, store: StoreDep) -> Readiness:
    """Ready when a model is loaded and warm. Redis being away stops training, not drawing."""
    active = shelf.active()
    try:
        store.ping()
        redis = True
    except RedisError:
        redis = False
    ready = bool(studio.loaded())
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, model=active if ready else None, redis=redis)
