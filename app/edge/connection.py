"""One connection, from the door to its end: it may enter, it is not waited for without end, and it may half-close.

A client that ends its own direction after a request (`shutdown(SHUT_WR)`) may wait for the answer, or have gone: the
connection looks the same. So it is answered, and who would answer late or without end asks `app/http/clients.py`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from app.edge.deadlines import SHARES, Awaited, Deadlines, Patience, Turn
from app.edge.door import Door, plain
from app.edge.headers import Headers
from app.edge.parser import HttpProtocol
from app.http.clients import CONNECTION
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.metrics.meters import LATE, Meters

MOST_REFUSED = 64  # that are told why at once; others are closed without a word


class Entrance:
    """What the connections of a process share."""

    def __init__(self, door: Door, deadlines: Deadlines, headers: Headers, meters: Meters) -> None:
        """`headers` are those of answers that are given before there is a request."""
        self.door, self.deadlines, self.headers, self.meters = door, deadlines, headers, meters
        self.refused = 0  # that have not ended
        self._made = 0

    def next_share(self) -> int:
        """Which share of all connections a new one belongs to."""
        self._made += 1
        return self._made % SHARES


class Connection(HttpProtocol):
    """A client's connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        entrance: Entrance,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._entrance, self.told = entrance, entrance.headers
        self.share = entrance.next_share()
        self._place: int | None = None
        self._patience = Patience(entrance.deadlines)
        self._read_on = 0  # how often a client that had too much unread went on reading
        self.has_hung_up = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or tell it why not."""
        super().connection_made(transport)
        if self.client:
            self.client = plain(self.client[0]), self.client[1]
        try:
            self._place = self._entrance.door.enter(self.client[0] if self.client else None)
        except ProblemError as error:
            self._entrance.refused += 1
            if self._entrance.refused <= MOST_REFUSED:
                self.refuse(error.type, error.detail, error.headers)
            else:
                self._entrance.meters.turned_away(error.type)
                self.transport.abort()

    def refuse(self, kind: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> str:
        """Answer with a problem, close the connection, and count it."""
        self._entrance.meters.turned_away(kind)
        return super().refuse(kind, detail, headers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        super().connection_lost(exc)
        if self._place is None:
            self._entrance.refused -= 1
        else:
            self._entrance.door.leave(self._place)

    def end_if_late(self) -> bool:
        """To be called now and then: end the connection if its client took too long. Whether it did."""
        turn = self._turn()
        if not self._patience.is_over(turn):
            return False
        if turn.awaited is not Awaited.HEAD:
            self._entrance.meters.turned_away(LATE)
        if turn.awaited is Awaited.READING:
            self.transport.abort()
        elif turn.awaited is Awaited.HEAD:
            detail = f"the head of the request is not complete after {self._entrance.deadlines.head_s:g} s"
            self.refuse(ProblemType.HEAD_TIMEOUT, detail)
        else:
            self.transport.close()
        return True

    def _turn(self) -> Turn:
        cycle = self.cycle
        if unread := self.transport.get_write_buffer_size():
            return Turn(Awaited.READING, cycle, (unread, self._read_on))
        if self._is_refused or (cycle is not None and not cycle.response_complete):
            return Turn(Awaited.NOTHING)
        if self.scope is not None and (cycle is None or cycle.scope is not self.scope):
            return Turn(Awaited.HEAD, self.scope)
        return Turn(Awaited.REST if cycle is not None and cycle.more_body else Awaited.REQUEST, cycle)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._read_on += 1
        super().resume_writing()

    def on_message_begin(self) -> None:
        """Let the request find its connection."""
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stay open while a complete request is being answered."""
        cycle = self.cycle
        self.has_hung_up = cycle is not None and not cycle.response_complete and not cycle.more_body
        return self.has_hung_up

    def on_response_complete(self) -> None:
        """Close a connection that no other request can come from."""
        super().on_response_complete()
        if self.has_hung_up and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
