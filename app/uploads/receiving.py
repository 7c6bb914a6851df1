"""A request's body into an upload, piece by piece: the event loop never writes, and no body is in memory as a whole."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.drawing.renderer import ClientGone
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from core.uploads import UploadWriter

PIECE_BYTES = 1 << 20  # at once to a thread, which hashes and writes them
SILENCE_S = 60.0


async def receive(request: Request, writer: UploadWriter) -> None:
    """Write a body behind what there is already; what came is written also where this raises.

    Raises ClientGone, ProblemError (408) for a client that goes silent, UploadTooLong, and OSError such as for a full
    disk.
    """
    held: list[bytes] = []
    size = 0
    try:
        async for piece in pieces_of(request):
            held.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                data, held, size = b"".join(held), [], 0
                await run_in_threadpool(writer.write, data)
    finally:
        if held:
            await run_in_threadpool(writer.write, b"".join(held))


async def pieces_of(request: Request) -> AsyncIterator[bytes]:
    """A request's body as it comes. Raises ClientGone, and ProblemError (408) for a client that goes silent."""
    pieces = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except ClientDisconnect as error:
            raise ClientGone("the client went away while it sent its body") from error
        except TimeoutError as error:
            detail = f"nothing more of the body came for {SILENCE_S:g} s"
            raise ProblemError(ProblemType.BODY_TIMEOUT, detail, headers={"Connection": "close"}) from error
        yield piece
