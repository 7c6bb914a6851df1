"""GET /jobs/{job_id}/timelapse: the sample grids of a run, epoch by epoch, as an animation."""

from collections.abc import Sequence
from hashlib import sha256
from math import isqrt
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from PIL import Image

from app.http.dependencies import UNCHANGED, IfNoneMatch, ServicesDep
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, documented, not_accepted
from app.images.accepted import accepted
from app.images.formats import MEDIA_TYPES, MOVING, to_animation
from app.jobs.runs import JobRuns, RunsDep
from sharing.run_files import LAYOUT

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 406, 422, 503), route_class=StrictRoute)

MOST_FRAMES = 128
MOST_PIXELS = 2**24  # of all frames: seconds of the encoder
FRAME_PIXELS = 2**20
LAST_MS = 2000
COLUMNS, PAD = 8, 2  # of a sample grid
ANIMATION = {200: {"content": {MEDIA_TYPES[kind][0]: {} for kind in MOVING}}, **UNCHANGED}


@router.get("/{job_id}/timelapse", response_class=Response, responses=ANIMATION)
async def get_timelapse(
    request: Request,
    runs: RunsDep,
    services: ServicesDep,
    if_none_match: IfNoneMatch,
    format: Annotated[  # noqa: A002
        Literal["webp", "gif"] | None, Query(description="Without it as `Accept` says; `webp` where it does not.")
    ] = None,
    frame_ms: Annotated[
        int, Query(ge=20, le=2000, description="How long each frame is shown, but for the last one.")
    ] = 200,
    scale: Annotated[int, Query(ge=1, le=8, description="How often each pixel is repeated in both directions.")] = 1,
    tile: Annotated[
        int | None, Query(ge=0, le=COLUMNS**2 - 1, description="One of the 64 images; without it all of them.")
    ] = None,
) -> Response:
    """The sample grids of all epochs, or one tile of them, from epoch 0 on.

    Of more epochs than there may be frames some are chosen evenly, the first and the newest among them.
    """
    kind = format or accepted(",".join(request.headers.getlist("accept")), MOVING)
    assert kind in ("webp", "gif")
    epochs = await run_in_threadpool(_chosen, runs, scale, tile)
    tag = await run_in_threadpool(_etag, runs, epochs, f"{runs.job.id} {kind} {frame_ms} {scale} {tile}")
    headers = {"ETag": tag, "Cache-Control": runs.caching, **({"Vary": "Accept"} if format is None else {})}
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    data = services.pictures.get(tag)
    if data is None:

        def encode() -> bytes:
            runs.newest.fetch(LAYOUT.sample(epoch) for epoch in epochs)
            durations = [*[frame_ms] * (len(epochs) - 1), max(LAST_MS, frame_ms)]
            return to_animation([_frame(runs, epoch, scale, tile) for epoch in epochs], kind, durations)

        data = await services.animations.run(request, encode)
        services.pictures.keep(tag, data)
    return Response(data, media_type=MEDIA_TYPES[kind][0], headers=headers)


def _chosen(runs: JobRuns, scale: int, tile: int | None) -> list[int]:
    """The epochs that become frames. Raises ProblemError for a scale at which they would be too large."""
    epochs = runs.newest.sample_epochs()
    if not epochs:
        raise ProblemError(ProblemType.NOT_FOUND, f"job {runs.job.id} has no sample yet")
    height, width, _ = _frame(runs, epochs[0], 1, tile).shape
    largest = isqrt(FRAME_PIXELS // (height * width))
    if scale > largest:
        detail = f"a frame has {scale * width} x {scale * height} pixels then; allowed here: 1 to {largest}"
        raise not_accepted([FieldProblem(parameter="scale", detail=detail, value=scale)])
    return spread(epochs, min(MOST_FRAMES, MOST_PIXELS // (height * width * scale**2)))


def spread(items: Sequence[int], most: int) -> list[int]:
    """At most so many of them (2 or more), evenly chosen, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def _frame(runs: JobRuns, epoch: int, scale: int, tile: int | None) -> np.ndarray:
    """Uint8 [h, w, c] of an epoch."""
    with Image.open(_path(runs, epoch)) as image:
        pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if tile is not None:
        row, column = divmod(tile, COLUMNS)
        cell = (len(pixels) + PAD) // COLUMNS
        top, left = row * cell, column * cell
        pixels = pixels[top : top + cell - PAD, left : left + cell - PAD]
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def _etag(runs: JobRuns, epochs: Sequence[int], parameters: str) -> str:
    """Files are only replaced as a whole: their times and sizes tell them apart, or where machines agree, digests."""
    digest = sha256(parameters.encode())
    for epoch in epochs:
        found = runs.newest.sha256(LAYOUT.sample(epoch))
        if found is None:
            stat = _path(runs, epoch).stat()
            found = f"{stat.st_mtime_ns} {stat.st_size}"
        digest.update(f"\n{epoch} {found}".encode())
    return f'"{digest.hexdigest()[:32]}"'


def _path(runs: JobRuns, epoch: int) -> Path:
    path = runs.newest.find(LAYOUT.sample(epoch))
    if path is None:
        detail = f"job {runs.job.id} has no sample of epoch {epoch} any more: it came again just now"
        raise ProblemError(ProblemType.NOT_FOUND, detail)
    return path
