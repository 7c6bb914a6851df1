"""Event streams and long polls hold a connection to Redis each: so many may be open in all, and so many of a caller."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi.sse import EventSourceResponse
from starlette.types import Receive, Scope, Send

from app.http.account import tell
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, answer
from app.http.services import Services
from app.slots import AllTaken, OwnTaken
from core.access import Caller

RETRY = {"Retry-After": "5"}


@contextmanager
def held_open(services: Services, caller: Caller) -> Iterator[None]:
    """Hold a place of a caller's while the block runs. Raises ProblemError."""
    most = caller.limits.or_else(services.settings.limits).streams
    try:
        place = services.streams.take(caller.id, most)
    except OwnTaken:
        detail = f"{caller.name} follows {most} streams, which is the most that it may"
        raise ProblemError(ProblemType.TOO_MANY_STREAMS, detail, headers=RETRY) from None
    except AllTaken:
        detail = f"{services.streams.most} streams are open, which is the most that may be"
        raise ProblemError(ProblemType.STREAMS_FULL, detail, headers=RETRY) from None
    try:
        yield
    finally:
        services.streams.give_back(place)


class HeldOpen(EventSourceResponse):
    """A stream that holds a place while it is sent. Where there is none, the problem is sent in its stead.

    The place is taken and given back in one call: a generator that is never started does not run its `finally`.
    """

    def __init__(
        self, events: AsyncIterator[bytes], headers: dict[str, str], services: Services, caller: Caller
    ) -> None:
        super().__init__(events, headers=headers)
        self._services, self._caller = services, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            with held_open(self._services, self._caller):
                await super().__call__(scope, receive, send)
        except ProblemError as error:
            problem = answer(scope, error)
            tell(problem, scope)
            await problem(scope, receive, send)
