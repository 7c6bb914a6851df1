"""/jobs/{job_id}/...: what a run leaves on disk, to watch it learn and to take home."""

from os import stat_result
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse, PlainTextResponse

from app.http.dependencies import UNCHANGED, IfNoneMatch
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.urls import url
from app.jobs.curves import to_svg
from app.jobs.runs import JobRuns, RunsDep
from app.jobs.views import CheckpointFile, CheckpointList, CheckpointView, CurvePoint, Curves, Sample, SampleList
from core.card import DISCRIMINATOR, GENERATOR, Card
from sharing.run_files import LAYOUT

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503), route_class=StrictRoute)
LOG_CHUNK = 1 << 20
PARTS = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}


@router.get("/{job_id}/samples")
def list_samples(runs: RunsDep) -> SampleList:
    """The sample grids made so far."""
    epochs = runs.newest.sample_epochs()
    return SampleList(data=[Sample(epoch=epoch, href=url(f"/jobs/{runs.job.id}/samples/{epoch}")) for epoch in epochs])


@router.get(
    "/{job_id}/samples/{epoch}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **UNCHANGED},
)
def get_sample(
    runs: RunsDep, epoch: Annotated[int, Path(ge=0)] | Literal["latest"], if_none_match: IfNoneMatch
) -> Response:
    """64 images at fixed latents after an epoch, as a PNG; the same latents every time, so one sees them grow."""
    epochs = runs.newest.sample_epochs()
    if epoch == "latest" and not epochs:
        raise ProblemError(ProblemType.NOT_FOUND, f"job {runs.job.id} has no sample yet")
    wanted = epochs[-1] if epoch == "latest" else epoch
    if wanted not in epochs:
        raise ProblemError(
            ProblemType.NOT_FOUND, f"job {runs.job.id} has no sample of epoch {wanted}; there are: {epochs}"
        )
    caching = "no-cache" if epoch == "latest" else runs.caching
    return _file(runs, LAYOUT.sample(wanted), if_none_match, caching, media_type="image/png")


@router.get(
    "/{job_id}/pairs.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **UNCHANGED},
)
def get_closest_pairs(runs: RunsDep, if_none_match: IfNoneMatch) -> Response:
    """Images of the best epoch beside the training images nearest to them, as a PNG: whether it draws copies."""
    if runs.newest.size(LAYOUT.closest_pairs) is None:
        raise ProblemError(ProblemType.NOT_FOUND, f"job {runs.job.id} has no closest pairs: no epoch was scored yet")
    return _file(runs, LAYOUT.closest_pairs, if_none_match, runs.caching, media_type="image/png")


@router.get("/{job_id}/curves", response_model=Curves, responses={200: {"content": {"image/svg+xml": {}}}})
def get_curves(
    runs: RunsDep,
    format: Annotated[Literal["svg", "json"], Query(description="A picture, or the numbers.")] = "svg",  # noqa: A002
) -> Curves | Response:
    """Losses and scores over the epochs so far."""
    curves = Curves(data=[CurvePoint.from_card(card) for card in runs.cards()])
    if format == "json":
        return curves
    return Response(to_svg(curves), media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})


@router.get("/{job_id}/checkpoints")
def list_checkpoints(runs: RunsDep) -> CheckpointList:
    """The checkpoints made so far, with their scores, and where to download them."""
    return CheckpointList(data=[_checkpoint(runs, card) for card in runs.cards()])


@router.get("/{job_id}/checkpoints/{epoch}/{part}", response_class=Response, responses=UNCHANGED)
def get_checkpoint_file(
    runs: RunsDep,
    epoch: Annotated[int, Path(ge=1)],
    part: Annotated[Literal["generator", "discriminator"], Path()],
    if_none_match: IfNoneMatch,
) -> Response:
    """The weights of a checkpoint as safetensors; a `Range` of them too."""
    name = LAYOUT.checkpoint(epoch) / PARTS[part]
    if runs.newest.size(name) is None:
        raise ProblemError(ProblemType.NOT_FOUND, f"job {runs.job.id} has no checkpoint of epoch {epoch}")
    return _file(runs, name, if_none_match, runs.caching, filename=f"{runs.job.id}-epoch-{epoch}-{name.name}")


@router.get("/{job_id}/logs", response_class=PlainTextResponse)
def get_logs(
    runs: RunsDep,
    tail: Annotated[int, Query(ge=1, le=10_000, description="How many of the last lines.")] = 200,
) -> str:
    """What the trainer, or importer, of the newest attempt that logged anything has logged."""
    logs = ((attempt, log) for attempt in runs.attempts for log in (LAYOUT.trainer_log, LAYOUT.importer_log))
    found = next((attempt.find(log) for attempt, log in logs if attempt.size(log)), None)
    if found is None:
        return ""
    with found.open("rb") as file:
        file.seek(max(0, found.stat().st_size - LOG_CHUNK))
        lines = file.read().decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(lines[-tail:])


class _SharedFile(FileResponse):
    """A file that has the same tag on each machine: its time is another on each."""

    def set_stat_headers(self, stat_result: stat_result) -> None:
        """All but the time."""
        super().set_stat_headers(stat_result)
        del self.headers["last-modified"]

    def _should_use_range(self, http_if_range: str) -> bool:
        return http_if_range == self.headers["etag"]


def _file(
    runs: JobRuns,
    name: FilePath,
    if_none_match: list[str],
    caching: str,
    media_type: str = "application/octet-stream",
    filename: str | None = None,
) -> Response:
    """A file. Its ETag follows from its time and size: files are only replaced as a whole. Shared ones: their digest.

    What a client has already is not fetched from another machine for it.
    """
    digest = runs.newest.sha256(name)
    headers = {"Cache-Control": caching}
    if digest is not None:
        headers["ETag"] = f'"{digest}"'
        if is_known(if_none_match, headers["ETag"]):
            return Response(status_code=304, headers=headers)
    path = runs.newest.find(name)
    if path is None:
        raise ProblemError(ProblemType.NOT_FOUND, f"job {runs.job.id} has no {name} any more: it came again just now")
    kind = FileResponse if digest is None else _SharedFile
    response = kind(path, 200, headers, media_type, filename=filename, stat_result=path.stat())
    if is_known(if_none_match, response.headers["etag"]):
        told = ("cache-control", "etag", "last-modified")
        return Response(status_code=304, headers={name: response.headers[name] for name in told})
    return response


def _checkpoint(runs: JobRuns, card: Card) -> CheckpointView:
    base, folder = url(f"/jobs/{runs.job.id}/checkpoints/{card.epoch}"), LAYOUT.checkpoint(card.epoch)
    files = {
        part: CheckpointFile(
            href=f"{base}/{part}", sha256=card.sha256[name], bytes=runs.newest.size(folder / name) or 0
        )
        for part, name in PARTS.items()
    }
    return CheckpointView(
        id=card.model_id,
        epoch=card.epoch,
        step=card.step,
        losses=card.losses,
        scores=card.scores,
        files=files,
        generate=url(f"/generate?model={runs.job.id}@{card.epoch}"),
    )
