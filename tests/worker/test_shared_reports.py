"""What an import says of the files that came, read on a machine that did not carry it out."""

import hashlib
from pathlib import Path

import pytest

from cli.redis_server import RedisServer
from core.import_options import ImportOptions
from core.import_report import ImportReport
from core.settings import Settings
from jobs.record import ImportSpec
from jobs.store import JobStore
from sharing.places import Places
from sharing.run_files import LAYOUT
from tests.uploaded import archive
from worker.import_supervisor import ImportSupervisor

REPORTS = {"options.json", "report.json", "problems.jsonl", "importer.log"}


def import_at(places: Places, store: JobStore, data: bytes, *, dry_run: bool = False) -> str:
    """The id of a job that imports these bytes, brought to an end."""
    upload = places.uploads.create(len(data), "own.zip")
    with places.uploads.append(upload.id, 0) as writer:
        writer.write(data)
    places.uploads.finish(upload.id)
    digest = hashlib.sha256(data).hexdigest()
    spec = ImportSpec(
        name="own",
        options=ImportOptions(),
        upload=upload.id,
        file="own.zip",
        bytes=len(data),
        sha256=digest,
        dry_run=dry_run,
    )
    job_id = store.create(spec).job.id
    assert ImportSupervisor(store, places, lambda: False).run()
    return job_id


@pytest.mark.parametrize(
    ("images", "dry_run", "status"), [(24, False, "succeeded"), (24, True, "succeeded"), (0, False, "failed")]
)
def test_the_report_of_an_import_is_read_on_another_machine(
    tmp_path: Path, store: JobStore, redis_server: RedisServer, images: int, dry_run: bool, status: str
) -> None:
    here, there = (
        Places.of(
            Settings(
                redis_url=redis_server.url,
                data_dir=tmp_path / host,
                store_url=(tmp_path / "store").as_uri(),
                heartbeat_s=0.1,
            )
        )
        for host in ("here", "there")
    )
    job = store.get(import_at(here, store, archive(images=images), dry_run=dry_run))
    assert (job.status.value, job.attempt) == (status, 1)
    (files,) = there.runs.files(job)
    assert files.names_in(Path()) <= REPORTS  # and not the data set
    report = files.find(LAYOUT.report)
    assert report is not None
    assert report.read_bytes() == here.runs.of(job.id).attempt(1).report.read_bytes()
    told = ImportReport.model_validate_json(report.read_bytes())
    assert (told.rejected is None) == (images > 0)
    log = files.find(LAYOUT.importer_log)
    assert log is not None
    assert log.read_bytes() == here.runs.of(job.id).attempt(1).importer_log.read_bytes()
