"""URLs for the paths of the OpenAPI document."""

from app.http.services import Services
from tests.app.datasets.making import shelve
from tests.imported import colourful

_NOTHING = {
    "job_id": "nobody",
    "model_id": "nothing",
    "epoch": "1",
    "part": "generator",
    "dataset": "none",
    "k": "0",
    "upload_id": "none",
}


def url_of_nothing(path: str) -> str:
    """The URL of what is not there."""
    return path.format(**_NOTHING)


def url_of_something(path: str, services: Services, job_id: str) -> str:
    """A URL that GET finds, with a job that has ended."""
    values = dict(_NOTHING, job_id=job_id, model_id=services.shelf.active())
    if "{dataset}" in path:
        values["dataset"] = shelve(services, colourful(4), name="paths").dataset_id
    if "{upload_id}" in path:
        values["upload_id"] = services.uploads.create(1).id
    return path.format(**values) + ("?seed=1" if path == "/generate" else "")
