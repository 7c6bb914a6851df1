"""/jobs/{job_id}/report: what an import says of the files that came, also of a dry run and of a rejected one."""

from collections.abc import Callable
from pathlib import Path as FilePath

from fastapi import APIRouter

from app.datasets.problem_pages import ProblemPage, WantedDep, problem_page
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.jobs.files import JobRuns, RunsDep
from core.import_report import ImportReport
from core.run_dir import RunDir
from jobs.record import ImportSpec

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503), route_class=StrictRoute)


@router.get("/{job_id}/report")
def get_report(runs: RunsDep) -> ImportReport:
    """The verdict on the files that came: counts, sizes, modes, classes, warnings with what may help, a recipe."""
    return ImportReport.model_validate_json(_file(runs, lambda run: run.report).read_bytes())


@router.get("/{job_id}/problems")
def list_problems(runs: RunsDep, wanted: WantedDep) -> ProblemPage:
    """What was wrong with the files that came, one by one, and what became of each."""
    return problem_page(_file(runs, lambda run: run.problems), f"/jobs/{runs.job.id}/problems", wanted)


def _file(runs: JobRuns, path: Callable[[RunDir], FilePath]) -> FilePath:
    """A file of the newest attempt that came as far as its report."""
    job = runs.job
    for attempt in runs.attempts:
        if attempt.report.is_file():
            return path(attempt)
    what = "has no report yet" if isinstance(job.spec, ImportSpec) else "is a training, which has no report"
    raise ProblemError(ProblemType.NOT_FOUND, f"job {job.id} {what}; it is {job.status}")
