"""URLs for the paths of the OpenAPI document."""

from app.http.services import Services
from core.access import ANYBODY_ID
from core.dataset_card import FLOOR
from core.import_options import ImportOptions
from core.import_report import ImportReport, Source
from core.run_dir import JobDir
from core.scores import Floor
from tests.app.datasets.making import shelve
from tests.imported import colourful
from tests.jobs.claims import IMPORT
from tests.tiny import score_sheet

_NOTHING = {
    "job_id": "nobody",
    "model_id": "nothing",
    "epoch": "1",
    "part": "generator",
    "dataset": "none",
    "k": "0",
    "upload_id": "none",
    "key_id": "none",
    "webhook_id": "none",
}

_QUERIES = {"/generate": "?seed=1", "/neighbours": "?seed=1", "/events": "?format=json"}  # its stream has no end


def url_of_nothing(path: str) -> str:
    """The URL of what is not there."""
    return path.format(**_NOTHING)


def import_with_report(services: Services) -> str:
    """The id of an import that runs, and has told what it says of the files."""
    job_id = services.store.create(IMPORT).job.id
    claim = services.store.claim(job_id)
    assert claim is not None
    run = JobDir(services.settings.runs_dir, job_id).attempt(claim.job.attempt)
    run.folder.mkdir(parents=True)
    source = Source(name=None, format="zip", bytes=1, sha256="0" * 64)
    run.report.write_text(ImportReport(source=source, options=ImportOptions()).model_dump_json())
    return job_id


def url_of_something(path: str, services: Services, job_id: str) -> str:
    """A URL that GET finds, with a job that has ended."""
    values = dict(_NOTHING, job_id=job_id, model_id=services.shelf.active())
    if path in ("/jobs/{job_id}/report", "/jobs/{job_id}/problems"):
        values["job_id"] = import_with_report(services)
    if "{dataset}" in path:
        values["dataset"] = shelve(services, colourful(4), name="paths").dataset_id
        floor = Floor(judge="0" * 16, images=4, compared_by="frechet", scores=score_sheet().floor)
        (services.datasets.folder(values["dataset"]) / FLOOR).write_text(floor.model_dump_json())
    if "{upload_id}" in path:
        values["upload_id"] = services.uploads.create(1).id
    if "{webhook_id}" in path:
        values["webhook_id"] = services.webhooks.create(ANYBODY_ID, "https://hooks.example/", ["job.succeeded"]).id
    return path.format(**values) + _QUERIES.get(path, "")
