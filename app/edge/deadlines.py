"""How long the server waits for a client: for a request, for the rest of a body, for it to read an answer.

Nothing is done at a request. Twice a second the server looks at each connection, and where it waits for the same thing
as before, its client did nothing meanwhile.
"""

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

SHARES = 5  # of all connections: one is looked at each tenth of a second, so that requests are not held up


class Deadlines(NamedTuple):
    """In seconds."""

    head_s: float  # for a complete head, and for its first byte
    body_s: float  # of silence: in a body, and of a client that does not read


class Awaited(Enum):
    """What a client is to do next."""

    NOTHING = auto()  # it is the server's turn
    REQUEST = auto()  # send one
    HEAD = auto()  # complete the head of one
    REST = auto()  # complete a body that nobody wants any more
    READING = auto()  # read what was sent


class Turn(NamedTuple):
    """What a client is to do. Two turns are the same if it did nothing in between."""

    awaited: Awaited
    of: object = None  # the request or the answer, by identity
    so_far: tuple[int, ...] = ()

    def is_still(self, other: "Turn") -> bool:
        """Whether nothing was done since another look."""
        return self.awaited is other.awaited and self.of is other.of and self.so_far == other.so_far


class Patience:
    """Since when a connection waits for the same thing."""

    def __init__(self, deadlines: Deadlines, clock: Callable[[], float] = time.monotonic) -> None:
        body_s, head_s = deadlines.body_s, deadlines.head_s
        self._allowed_s = {Awaited.HEAD: head_s, Awaited.REQUEST: head_s, Awaited.REST: body_s, Awaited.READING: body_s}
        self._clock = clock
        self._turn, self._since = Turn(Awaited.NOTHING), 0.0

    def is_over(self, turn: Turn) -> bool:
        """Whether the client has had all the time that there is for it."""
        if not turn.is_still(self._turn):
            self._turn, self._since = turn, self._clock()
        allowed_s = self._allowed_s.get(turn.awaited)
        return allowed_s is not None and self._clock() - self._since >= allowed_s
