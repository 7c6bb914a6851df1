"""Whether anybody waits for an answer any more."""

from typing import Protocol

from fastapi import Request

CONNECTION = "digitforge.connection"  # in the scope of a request that came over one


class Connected(Protocol):
    """What a request's connection knows of its client."""

    has_hung_up: bool  # it sends no more, and may still read


def has_hung_up(request: Request) -> bool:
    """Whether the client sends no more. It has most likely gone; an answer that is due at once is sent to it anyway."""
    connection: Connected | None = request.scope.get(CONNECTION)
    return connection is not None and connection.has_hung_up


async def has_gone(request: Request, others_wait: bool) -> bool:
    """Whether an answer that takes a while is for nobody. Where others wait, a client that has hung up has gone."""
    return (others_wait and has_hung_up(request)) or await request.is_disconnected()
