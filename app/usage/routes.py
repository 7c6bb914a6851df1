"""GET /usage: what a caller has used today, and what it may have."""

from typing import Annotated

from fastapi import APIRouter, Query

from access.gcra import US
from access.policies import IMAGES, JOBS, REQUESTS, UPLOADS, Standing
from app.http.bearer import not_allowed
from app.http.dependencies import ServicesDep
from app.http.guard import AccountDep
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.http.services import Services
from app.usage.views import RateView, UsageView, UseView, day_of, next_day
from core.access import Caller, Scope
from core.errors import KeyNotFound

router = APIRouter(tags=["usage"], route_class=StrictRoute)


@router.get("/usage", responses=documented(403, 404, 422, 503))
def get_usage(
    services: ServicesDep,
    account: AccountDep,
    key: Annotated[str | None, Query(max_length=64, description="Of another key, for `admin` alone: its id.")] = None,
) -> UsageView:
    """What this key has used today in UTC, against its limits. Images that are being drawn count."""
    caller = account.caller
    if key is not None and key != caller.id:
        if not caller.may(Scope.ADMIN):
            raise not_allowed(caller, Scope.ADMIN)
        caller = _other(services, key)
    return _usage(services, caller)


def _other(services: Services, key: str) -> Caller:
    """The caller with a key's id. Raises KeyNotFound."""
    caller = services.keyring.of_key(key)
    if caller is None:
        raise KeyNotFound(f"no key {key!r}")
    return caller


def _usage(services: Services, caller: Caller) -> UsageView:
    allowances = services.allowances
    limits = allowances.limits_of(caller)
    allowances.days.flush()
    used = services.store.usage(caller.id)
    levels = {JOBS: used.jobs_level_us, UPLOADS: used.uploads_level_us}
    in_redis = {policy: policy.limit(limits) for policy in levels}
    standings = {
        **{policy: allowances.standing(caller, policy) for policy in (REQUESTS, IMAGES)},
        **{
            policy: None if limit is None else Standing.of(policy, limit, levels[policy], US)
            for policy, limit in in_redis.items()
        },
    }
    return UsageView(
        key=caller.id,
        day=day_of(used.now_ms),
        resets_at=next_day(used.now_ms),
        images_per_day=UseView(used=used.images, limit=limits.images_per_day),
        device_s_per_day=UseView(used=used.device_ms / 1000, limit=limits.device_s_per_day),
        queued=UseView(used=used.queued, limit=limits.queued),
        running=UseView(used=used.running, limit=limits.running),
        streams=limits.streams,
        rates=[RateView.of(standing) for standing in standings.values() if standing is not None],
    )
