"""/jobs/{job_id}/...: what a run leaves on disk, to watch it learn and to take home."""

from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse, PlainTextResponse

from app.curves import to_svg
from app.deps import UNCHANGED, IfNoneMatch, SettingsDep, StoreDep
from app.negotiation import is_known
from app.problems import ProblemError, documented
from app.schemas import (
    CheckpointFile,
    CheckpointList,
    CheckpointView,
    CurvePoint,
    Curves,
    Sample,
    SampleList,
)
from core.run_layout import (
    TRAINER_LOG,
    attempt_dir,
    checkpoint_folders,
    checkpoint_path,
    sample_epochs,
    sample_path,
)
from core.settings import Settings
from core.store import JobStore
from models.card import DISCRIMINATOR, GENERATOR, read_card

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503))

JobId = Annotated[str, Path(max_length=64, description="As in the answer to POST /train.")]

FOR_EVER = "public, max-age=31536000, immutable"
LOG_CHUNK = 1 << 20


@router.get("/{job_id}/samples")
def list_samples(job_id: JobId, store: StoreDep, settings: SettingsDep) -> SampleList:
    """The sample grids made so far."""
    epochs = sample_epochs(_run_dir(job_id, store, settings))
    return SampleList(data=[Sample(epoch=epoch, href=f"/jobs/{job_id}/samples/{epoch}") for epoch in epochs])


@router.get(
    "/{job_id}/samples/{epoch}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **UNCHANGED},
)
def get_sample(
    job_id: JobId,
    epoch: Annotated[int, Path(ge=0)] | Literal["latest"],
    store: StoreDep,
    settings: SettingsDep,
    if_none_match: IfNoneMatch,
) -> Response:
    """64 images at fixed latents after an epoch, as a PNG; the same latents every time, so one sees them grow."""
    run_dir = _run_dir(job_id, store, settings)
    epochs = sample_epochs(run_dir)
    wanted = max(epochs, default=0) if epoch == "latest" else epoch
    if wanted not in epochs:
        raise ProblemError(404, "not-found", f"job {job_id} has no sample of epoch {wanted}; there are: {epochs}")
    caching = "no-cache" if epoch == "latest" else FOR_EVER
    return _file(sample_path(run_dir, wanted), if_none_match, caching, media_type="image/png")


@router.get("/{job_id}/curves", response_model=Curves, responses={200: {"content": {"image/svg+xml": {}}}})
def get_curves(
    job_id: JobId,
    store: StoreDep,
    settings: SettingsDep,
    format: Annotated[Literal["svg", "json"], Query(description="A picture, or the numbers.")] = "svg",  # noqa: A002
) -> Curves | Response:
    """Losses and scores over the epochs so far."""
    folders = checkpoint_folders(_run_dir(job_id, store, settings))
    curves = Curves(data=[CurvePoint.from_card(read_card(folder)) for folder in folders])
    if format == "json":
        return curves
    return Response(to_svg(curves), media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})


@router.get("/{job_id}/checkpoints")
def list_checkpoints(job_id: JobId, store: StoreDep, settings: SettingsDep) -> CheckpointList:
    """The checkpoints made so far, with their scores, and where to download them."""
    folders = checkpoint_folders(_run_dir(job_id, store, settings))
    return CheckpointList(data=[_checkpoint(job_id, folder) for folder in folders])


@router.get("/{job_id}/checkpoints/{epoch}/{part}", response_class=Response, responses=UNCHANGED)
def get_checkpoint_file(
    job_id: JobId,
    epoch: Annotated[int, Path(ge=1)],
    part: Annotated[Literal["generator", "discriminator"], Path()],
    store: StoreDep,
    settings: SettingsDep,
    if_none_match: IfNoneMatch,
) -> Response:
    """The weights of a checkpoint as safetensors; a `Range` of them too."""
    folder = checkpoint_path(_run_dir(job_id, store, settings), epoch)
    if not folder.is_dir():
        raise ProblemError(404, "not-found", f"job {job_id} has no checkpoint of epoch {epoch}")
    name = PARTS[part]
    return _file(folder / name, if_none_match, FOR_EVER, filename=f"{job_id}-epoch-{epoch}-{name}")


@router.get("/{job_id}/logs", response_class=PlainTextResponse)
def get_logs(
    job_id: JobId,
    store: StoreDep,
    settings: SettingsDep,
    tail: Annotated[int, Query(ge=1, le=10_000, description="How many of the last lines.")] = 200,
) -> str:
    """What the trainer of the newest attempt has logged."""
    path = _run_dir(job_id, store, settings) / TRAINER_LOG
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_CHUNK))
        lines = file.read().decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(lines[-tail:])


PARTS = {"generator": GENERATOR, "discriminator": DISCRIMINATOR}


def _run_dir(job_id: str, store: JobStore, settings: Settings) -> FilePath:
    """The run directory of a job's newest attempt. Raises JobNotFound."""
    return attempt_dir(settings.runs_dir, job_id, store.get(job_id).attempt)


def _file(
    path: FilePath,
    if_none_match: list[str],
    caching: str,
    media_type: str = "application/octet-stream",
    filename: str | None = None,
) -> Response:
    """A file. Its ETag follows from its time and size: files are only replaced as a whole."""
    headers = {"Cache-Control": caching}
    response = FileResponse(path, 200, headers, media_type, filename=filename, stat_result=path.stat())
    if is_known(if_none_match, response.headers["etag"]):
        told = ("cache-control", "etag", "last-modified")
        return Response(status_code=304, headers={name: response.headers[name] for name in told})
    return response


def _checkpoint(job_id: str, folder: FilePath) -> CheckpointView:
    card = read_card(folder)
    base = f"/jobs/{job_id}/checkpoints/{card.epoch}"
    files = {
        part: CheckpointFile(href=f"{base}/{part}", sha256=card.sha256[name], bytes=(folder / name).stat().st_size)
        for part, name in PARTS.items()
    }
    return CheckpointView(
        id=card.model_id, epoch=card.epoch, step=card.step, losses=card.losses, scores=card.scores, files=files
    )
