"""Work of seconds, a few pieces at a time: who comes then waits, and what nobody waits for any more is not done."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from app.drawing.renderer import ClientGone
from app.drawing.scheduler import Overloaded
from app.http.clients import has_gone

Done = TypeVar("Done")


class Turns:
    """The threads of one kind of work. For use on the event loop."""

    def __init__(self, kind: str, *, at_once: int, most_waiting: int, soon_s: int) -> None:
        """`kind` is what the pieces are called, in the plural; who is refused may ask again after `soon_s`."""
        self.most_waiting = most_waiting
        self._kind, self._soon_s = kind, soon_s
        self._threads = CapacityLimiter(at_once)

    @property
    def waiting(self) -> int:
        """How many pieces wait for a thread."""
        return self._threads.statistics().tasks_waiting

    async def run(self, request: Request, work: Callable[[], Done]) -> Done:
        """Do it in a thread, once it is its turn.

        Raises Overloaded where too many wait, ClientGone, and what the work raises.
        """
        if self.waiting >= self.most_waiting:
            raise Overloaded(self._soon_s, f"too many {self._kind} are waiting")
        async with self._threads:
            if await has_gone(request, others_wait=self.waiting > 0):
                raise ClientGone(f"the client has gone, and was left out of the {self._kind}")
            return await to_thread.run_sync(work)
