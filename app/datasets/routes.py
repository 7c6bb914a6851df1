"""/datasets: what there is, what its imports say, and to delete it."""

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from app.datasets.finding import Found, FoundDep, State, find
from app.datasets.problem_pages import ProblemPage, WantedDep, problem_page
from app.datasets.views import DatasetPage, DatasetView
from app.http.dependencies import ServicesDep
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.services import Services
from app.http.urls import url
from core.dataset_card import FLOOR, PROBLEMS
from core.datasets import dataset_names
from core.errors import DatasetDamaged, DatasetNotFound
from core.scores import Floor
from jobs.record import TrainSpec

router = APIRouter(prefix="/datasets", tags=["datasets"], responses=documented(404, 422, 503), route_class=StrictRoute)
logger = logging.getLogger(__name__)


@router.get("")
def list_datasets(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The last id of the page before.")] = None,
    state: State | None = None,
) -> DatasetPage:
    """Imported data sets, newest first, with their cards. A data set is there once its import has succeeded."""
    found = list(islice(_all(services, after, state), limit + 1))
    page, has_more = found[:limit], len(found) > limit
    query = f"limit={limit}&after={page[-1].id}" + (f"&state={state}" if state else "") if has_more else None
    names = services.datasets.names()
    return DatasetPage(
        data=[DatasetView.of(one, names) for one in page],
        has_more=has_more,
        next=url(f"/datasets?{query}") if query else None,
        folders=dataset_names(services.settings.datasets_dir),
    )


@router.get("/{dataset}")
def get_dataset(found: FoundDep, services: ServicesDep) -> DatasetView:
    """One data set: its images, sizes, classes, problems by code, warnings with what may help, and a recipe for it."""
    return DatasetView.of(found, services.datasets.names())


@router.get("/{dataset}/problems")
def list_problems(found: FoundDep, wanted: WantedDep) -> ProblemPage:
    """What was wrong with the files that came, one by one, and what became of each."""
    return problem_page(found.folder / PROBLEMS, f"/datasets/{found.id}/problems", wanted)


@router.get("/{dataset}/floor")
def get_floor(found: FoundDep) -> Floor:
    """What training images score beside the test images: no model can be expected to score better."""
    try:
        return Floor.model_validate_json((found.folder / FLOOR).read_bytes())
    except FileNotFoundError as error:
        detail = f"the floor of data set {found.id} is not known yet: the first job that trains on it measures it"
        raise ProblemError(ProblemType.NOT_FOUND, detail) from error


@router.delete("/{dataset}", status_code=204, responses=documented(409))
def delete(found: FoundDep, services: ServicesDep) -> None:
    """Delete the images of a data set, and its names. Its card stays, and so do the models that were trained on it."""

    def users() -> list[str]:
        specs = {job.id: job.spec for job in services.store.alive()}
        return [job_id for job_id, spec in specs.items() if isinstance(spec, TrainSpec) and spec.dataset_id == found.id]

    if used_by := services.datasets.delete_unless(found.id, users):
        detail = f"data set {found.id} is used by jobs that have not ended: {', '.join(sorted(used_by))}"
        raise ProblemError(ProblemType.DATASET_IN_USE, detail)


def _all(services: Services, after: str | None, state: State | None) -> Iterator[Found]:
    """Newest first, those behind `after`. A damaged card is logged and left out. Raises DatasetNotFound for `after`."""
    ids = services.datasets.newest_first()
    if after is not None:
        if after not in ids:
            raise DatasetNotFound(f"no data set {after!r}")
        ids = ids[ids.index(after) + 1 :]
    for dataset_id in ids:
        try:
            found = find(services, dataset_id)
        except (DatasetDamaged, DatasetNotFound) as error:
            logger.error("left out of the list of data sets: %s", error)
            continue
        if state in (None, found.state):
            yield found
