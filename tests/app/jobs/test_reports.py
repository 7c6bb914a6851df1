"""What an import says of the files that came, over HTTP."""

from pathlib import Path

import httpx
import pytest

from app.http.services import Services
from core.import_options import ImportOptions
from core.import_report import FileProblem, ImportReport, Source
from core.run_dir import JobDir
from tests.app.http.test_errors import problem
from tests.hand_worker import submit
from tests.jobs.claims import IMPORT

REPORT = ImportReport(
    source=Source(name="icons.zip", format="zip", bytes=10, sha256="0" * 64),
    options=ImportOptions(),
    modes={"RGBA": 3},
    problems={"blank": 3},
    rejected="there are 3 images, all of them blank",
)


def write(folder: Path, report: ImportReport, problems: int) -> None:
    folder.mkdir(parents=True)
    rows = [FileProblem(file=f"{k}.png", code="blank", detail="all white", action="dropped") for k in range(problems)]
    (folder / "problems.jsonl").write_text("".join(f"{row.model_dump_json()}\n" for row in rows))
    (folder / "report.json").write_text(report.model_dump_json())


def test_the_report_is_that_of_the_newest_attempt_that_has_one(
    http: httpx.Client, services: Services, runs_dir: Path
) -> None:
    job_id = services.store.create(IMPORT).job.id
    for path in ("report", "problems"):
        missing = problem(http.get(f"/jobs/{job_id}/{path}"), 404, "not-found")
        assert missing["detail"] == f"job {job_id} has no report yet; it is queued"
    files = JobDir(runs_dir, job_id)
    for attempt, count in ((1, 3), (2, 2)):
        claim = services.store.claim(job_id)
        assert claim is not None
        write(files.attempt(attempt).folder, REPORT.model_copy(update={"problems": {"blank": count}}), count)
        assert http.get(f"/jobs/{job_id}/report").json()["problems"] == {"blank": count}
        services.store.release(claim)
    services.store.claim(job_id)
    files.attempt(3).folder.mkdir()
    assert ImportReport.model_validate(http.get(f"/jobs/{job_id}/report").json()).rejected == REPORT.rejected
    page = http.get(f"/jobs/{job_id}/problems?limit=1").json()
    assert [one["file"] for one in page["data"] + http.get(page["next"]).json()["data"]] == ["0.png", "1.png"]


@pytest.mark.parametrize("path", ["report", "problems"])
def test_a_training_has_no_report(http: httpx.Client, path: str) -> None:
    job_id = submit(http)
    assert "is a training" in problem(http.get(f"/jobs/{job_id}/{path}"), 404, "not-found")["detail"]
    problem(http.get(f"/jobs/nobody/{path}"), 404, "job-not-found")
