"""A request's body, piece by piece: no body is in memory as a whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.drawing.renderer import ClientGone
from app.http.problems import ProblemError
from app.http.services import Services
from core.errors import ShelfBusy, StoreError, UploadNotFound

PIECE_BYTES = 1 << 20  # at once to a thread, which hashes and writes them


async def batches(request: Request) -> AsyncIterator[bytes]:
    """A body in large pieces, each to be written by a thread; what came is told also where this raises.

    Raises ClientGone, and ProblemError for what `app/edge/bodies.py` refuses.
    """
    held: list[bytes] = []
    size = 0
    try:
        async for piece in _pieces(request):
            held.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                yield b"".join(held)
                held, size = [], 0
    except (ClientGone, ProblemError):
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


@asynccontextmanager
async def dropped_on_error(services: Services, upload_id: str) -> AsyncIterator[None]:
    """Leave nothing of an upload that nobody else knows where the block ends with an error."""
    try:
        yield
    except BaseException:
        with CancelScope(shield=True):
            await run_in_threadpool(drop, services, upload_id)
        raise


def drop(services: Services, upload_id: str) -> None:
    """Remove an upload that no job knows, where it is still there. While the store is away that is left to sweepers."""
    with suppress(UploadNotFound, StoreError):
        services.uploads.delete(upload_id)


def drop_body(services: Services, upload_id: str) -> None:
    """Remove an upload that came as the body of an import whose job is gone, unless another job imports it.

    Where that cannot be done now, the sweeper removes it a day after its last use.
    """
    uploads, store = services.uploads, services.store
    with suppress(UploadNotFound, ShelfBusy, StoreError):
        if uploads.get(upload_id).meta.is_body:
            uploads.delete_unless(upload_id, lambda: bool(store.importing(upload_id)))


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect as error:
        raise ClientGone("the client went away while it sent its body") from error
