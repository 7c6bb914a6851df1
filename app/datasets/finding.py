"""From a name or an id in a URL to a data set, its arrays, and one of its classes."""

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Annotated, Literal, NamedTuple

from fastapi import Depends, Path

from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted
from app.http.services import Services
from core.dataset_arrays import DatasetArrays, open_dataset
from core.dataset_card import DatasetCard
from core.dataset_shelf import DATASET_ID
from core.datasets import dataset_names
from core.errors import DatasetDamaged, DatasetDeleted, DatasetNotFound
from jobs.record import ImportSpec

State = Literal["ready", "deleted"]

SHOWN = 50  # classes in an error


class Found(NamedTuple):
    """An imported data set."""

    id: str
    folder: FilePath
    card: DatasetCard
    state: State


def find(services: Services, name_or_id: str) -> Found:
    """The imported data set of a name or an id. As in training, a folder of the server goes before one of its name.

    Raises DatasetNotFound, and DatasetDamaged for its card.
    """
    shelf = services.datasets
    if not DATASET_ID.fullmatch(name_or_id) and name_or_id in dataset_names(services.settings.datasets_dir):
        detail = f"{name_or_id!r} is a folder of the server: it can be trained on, and has no report or images here"
        raise DatasetNotFound(detail)
    try:
        dataset_id = shelf.find(name_or_id)
    except DatasetNotFound:  # another machine may have imported it this very moment
        dataset_id = shelf.find_now(name_or_id)
    state: State = "ready" if shelf.has_images(dataset_id) else "deleted"
    return Found(dataset_id, shelf.folder(dataset_id), shelf.card(dataset_id), state)


def _found(
    dataset: Annotated[str, Path(max_length=64, description="Its id, or a name that stands for it.")],
    services: ServicesDep,
    caller: CallerDep,
) -> Found:
    try:
        return find(services, dataset)
    except DatasetNotFound as error:
        own = [job for job in services.store.alive() if caller.may_see(job.caller)]
        coming = [job for job in own if isinstance(job.spec, ImportSpec) and job.spec.name == dataset]
        if not coming:
            raise
        detail = f"{error}; job {coming[-1].id}, which imports it, is {coming[-1].status}"
        raise DatasetNotFound(detail) from error


FoundDep = Annotated[Found, Depends(_found)]


def _arrays(found: FoundDep, services: ServicesDep) -> DatasetArrays:
    try:
        services.datasets.fetch(found.id)
        return open_dataset(found.folder)
    except (DatasetDeleted, DatasetDamaged) as error:
        if services.datasets.has_images(found.id):
            raise
        raise ProblemError(ProblemType.DATASET_DELETED, str(DatasetDeleted(found.id))) from error


ArraysDep = Annotated[DatasetArrays, Depends(_arrays)]


def class_number(names: Sequence[str], wanted: str) -> int:
    """The number of a class that is asked for by name, in any case, or where none is called so by number."""
    same = [number for number, name in enumerate(names) if name == wanted]
    same = same or [number for number, name in enumerate(names) if name.casefold() == wanted.casefold()]
    if len(same) == 1:
        return same[0]
    if wanted.isascii() and wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    if not names:
        detail = "the data set has no classes"
    else:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        detail = f"no such class; allowed: 0 to {len(names) - 1}, or {', '.join(names[:SHOWN])}{more}"
    raise not_accepted([FieldProblem(parameter="class", detail=detail, value=wanted)])
