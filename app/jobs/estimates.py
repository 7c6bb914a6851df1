"""POST /estimates: what a training would come to, and how long it would take. Nothing is made."""

from math import log
from typing import Literal, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.http.dependencies import ServicesDep, require_json
from app.http.json_body import JsonRoute
from app.http.problems import documented
from app.http.services import Services
from app.jobs.request import TrainRequest
from app.jobs.train import spec_of
from core.cost import minutes, multiply_adds
from core.datasets import idx_sizes, images_file
from core.errors import DigitforgeError
from core.image_shape import GREY_28, ImageShape
from core.recipe import AnyPreset, Recipe
from jobs.record import JobProgress, JobStatus, TrainSpec

router = APIRouter(tags=["train"], route_class=JsonRoute)

LOOKED_AT = 20  # of the newest trainings that succeeded
MOST_UNLIKE = 4  # times the work: beyond it a training says nothing, as small networks wait more than they compute
FULL_MNIST = 60_000  # where a folder's images cannot be counted

Basis = Literal["trainings", "constants"]


class Estimate(BaseModel):
    """A training that was not begun."""

    preset: AnyPreset
    recipe: Recipe
    dataset_id: str | None = Field(description="The imported data set; null for one of IDX files.")
    images: int = Field(description="Training images that it uses.")
    steps: int
    kimg: float = Field(description="Thousand real images shown.")
    seconds: float = Field(description="How long it runs, within a factor of two or so.")
    by: Basis = Field(
        description="`trainings`: the speed of a finished one of similar networks here; `constants`: two cores."
    )


class Pace(NamedTuple):
    """How fast a finished training was."""

    work: float  # multiply-adds for each real image
    images_per_s: float


@router.post("/estimates", dependencies=[Depends(require_json)], responses=documented(400, 413, 415, 422, 503))
def estimate(services: ServicesDep, request: TrainRequest | None = None) -> Estimate:
    """What `POST /train` would do with this body, or why it would refuse it; no job is made."""
    spec = spec_of(request or TrainRequest(), services)
    return estimate_of(spec, services, paces(services))


def estimate_of(spec: TrainSpec, services: Services, known: list[Pace]) -> Estimate:
    """How long a training takes, by the finished one whose networks are most like its own."""
    recipe, (shape, there) = spec.recipe, _data_of(spec, services)
    images = min(recipe.num_images or there, there)
    steps = recipe.epochs * recipe.passes * (images // recipe.images_per_step)
    kimg, work = steps * recipe.images_per_step / 1000, _work(recipe, shape)
    by: Basis = "constants"
    seconds = 60 * minutes(work, kimg, recipe.batch_size)
    nearest = min(known, key=lambda pace: abs(log(pace.work / work)), default=None)
    if nearest and abs(log(nearest.work / work)) <= log(MOST_UNLIKE):
        by, seconds = "trainings", 1000 * kimg / nearest.images_per_s * work / nearest.work
    return Estimate(**dict(spec), images=images, steps=steps, kimg=kimg, seconds=round(seconds, 1), by=by)


def paces(services: Services) -> list[Pace]:
    """Of the newest trainings that succeeded, whoever asked for them."""
    found = []
    for job in services.store.page(LOOKED_AT, status=JobStatus.SUCCEEDED):
        if isinstance(job.spec, TrainSpec) and isinstance(job.progress, JobProgress) and job.progress.images_per_s > 0:
            shape, _ = _data_of(job.spec, services)
            found.append(Pace(_work(job.spec.recipe, shape), job.progress.images_per_s))
    return found


def _work(recipe: Recipe, shape: ImageShape) -> float:
    each = multiply_adds(shape, recipe.g_filters, recipe.d_filters, recipe.d_layers, recipe.z_dim + recipe.classes)
    return each * (recipe.d_steps + recipe.g_steps) / (2 * recipe.d_steps)


def _data_of(spec: TrainSpec, services: Services) -> tuple[ImageShape, int]:
    """The shape of the images, and how many there are to train on; those of MNIST where neither can be read."""
    if spec.dataset_id is not None:
        try:
            card = services.datasets.card(spec.dataset_id)
        except DigitforgeError:  # deleted since
            return GREY_28, FULL_MNIST
        return card.image_shape, card.train
    sizes = idx_sizes(services.settings.datasets_dir / spec.recipe.dataset, images_file(), 3)
    if sizes is None:
        return GREY_28, FULL_MNIST
    count, side, _ = sizes
    return (ImageShape(side=side, channels=1) if 16 <= side <= 1024 and ImageShape.has_base(side) else GREY_28), count
