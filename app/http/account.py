"""What the caller of a request may have: taken before the work, told in the answer, given back where the work fails.

The fields RateLimit-Policy and RateLimit are those of draft-ietf-httpapi-ratelimit-headers-10. The paths of OpenAI's
API have its `x-ratelimit-*` too.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType
from typing import Self

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Scope

from access.allowances import Allowances
from access.gcra import US
from access.policies import IMAGES, IMAGES_A_DAY, JOBS, REQUESTS, UPLOADS, Policy, RateExceeded, Standing
from app.drawing.renderer import ClientGone
from app.http.openai_shape import speaks_openai
from app.http.problem_types import ProblemType
from app.http.problems import problem_response
from core.access import Caller, Limits
from core.errors import QuotaExceeded

STANDINGS = "digitforge.standings"  # in the scope of a request that some limit applies to
AT_THEIR_OWN_COST = (ClientGone, asyncio.CancelledError)  # who leaves may have had some of it drawn


class Account:
    """What a request takes of its caller's allowances."""

    __slots__ = ("_allowances", "_scope", "caller")

    def __init__(self, caller: Caller, allowances: Allowances, scope: Scope) -> None:
        self.caller, self._allowances, self._scope = caller, allowances, scope

    @property
    def limits(self) -> Limits:
        """What the caller may have, defaults included."""
        return self._allowances.limits_of(self.caller)

    def take_request(self) -> None:
        """Count the request itself. Raises RateExceeded."""
        self.note(self._allowances.take(self.caller, REQUESTS, 1))

    def images(self, images: int) -> "Images":
        """Take images for the time of a `with` block that draws them."""
        return Images(self, self._allowances, images)

    def take_upload(self) -> None:
        """Take an upload. Raises RateExceeded."""
        self.note(self._allowances.take_upload(self.caller))

    def give_back_upload(self) -> None:
        """The upload did not come about."""
        self._allowances.take_upload(self.caller, -1)
        self.forget(UPLOADS)

    def note_job(self, level_us: int) -> None:
        """A job was made, which left the bucket of jobs at this level."""
        limit = JOBS.limit(self.limits)
        self.note(None if limit is None else Standing.of(JOBS, limit, level_us, US))

    def note(self, *standings: Standing | None) -> None:
        """Have the answer tell how the caller stands."""
        found = [standing for standing in standings if standing is not None]
        if found:
            self._scope.setdefault(STANDINGS, []).extend(found)

    def forget(self, *policies: Policy) -> None:
        """Have the answer tell nothing of what was given back."""
        if STANDINGS in self._scope:
            self._scope[STANDINGS] = [one for one in self._scope[STANDINGS] if one.policy not in policies]


class Images:
    """Images that are taken when the block begins, and given back if it fails, unless its client has left."""

    __slots__ = ("_account", "_allowances", "_images")

    def __init__(self, account: Account, allowances: Allowances, images: int) -> None:
        self._account, self._allowances, self._images = account, allowances, images

    def __enter__(self) -> Self:
        """Raises RateExceeded."""
        self._account.note(*self._allowances.take_images(self._account.caller, self._images))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None and not isinstance(error, AT_THEIR_OWN_COST):
            self._allowances.give_back_images(self._account.caller, self._images)
            self._account.forget(IMAGES, IMAGES_A_DAY)


def tell(response: Response, scope: Scope) -> None:
    """Write into an answer, an error too, how its caller stands with what the request took."""
    if scope.get(STANDINGS):
        told = fields(scope[STANDINGS], scope)
        response.raw_headers.extend((name.lower().encode(), value.encode()) for name, value in told.items())


def quota_exceeded(request: Request, error: QuotaExceeded) -> JSONResponse:
    """The answer to a request for more than its caller may have."""
    if standing := _standing(error):
        request.scope.setdefault(STANDINGS, []).append(standing)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    request.app.state.services.meters.refused(error.name)
    return problem_response(ProblemType.QUOTA_EXCEEDED, str(error), headers=headers)


def _standing(error: QuotaExceeded) -> Standing | None:
    """How a caller stands with what it was refused. None for what does not come back evenly, such as places."""
    if isinstance(error, RateExceeded):
        return error.standing
    is_rate = error.name == JOBS.limit_name  # of which the script that makes jobs tells how long to wait
    return Standing.of_refusal(JOBS, error.limit, error.retry_after_s or 0) if is_rate else None


def fields(standings: Sequence[Standing], scope: Scope) -> dict[str, str]:
    """The fields of an answer that say how a caller stands."""
    found = {
        "RateLimit-Policy": ", ".join([_policy(policy, limit) for policy, limit, _, _ in standings]),
        "RateLimit": ", ".join([f'"{one.policy.name}";r={one.remaining};t={one.reset_s}' for one in standings]),
    }
    if speaks_openai(scope):
        for policy, limit, remaining, reset_s in standings:
            found[f"x-ratelimit-limit-{policy.name}"] = str(limit)
            found[f"x-ratelimit-remaining-{policy.name}"] = str(remaining)
            found[f"x-ratelimit-reset-{policy.name}"] = f"{reset_s}s"
    return found


@lru_cache(maxsize=1024)
def _policy(policy: Policy, limit: int) -> str:
    counted = "" if policy.unit == "requests" else f';qu="{policy.unit}"'
    return f'"{policy.name}";q={limit}{counted};w={policy.window_s}'
