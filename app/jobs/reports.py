"""/jobs/{job_id}/report: what an import says of the files that came, also of a dry run and of a rejected one."""

from fastapi import APIRouter

from app.datasets.problem_pages import ProblemPage, WantedDep, problem_page
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.jobs.runs import JobRuns, RunsDep
from core.import_report import ImportReport
from jobs.record import ImportSpec
from sharing.run_files import LAYOUT, RunFiles

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503), route_class=StrictRoute)


@router.get("/{job_id}/report")
def get_report(runs: RunsDep) -> ImportReport:
    """The verdict on the files that came: counts, sizes, modes, classes, warnings with what may help, a recipe."""
    report = _reported(runs).find(LAYOUT.report)
    if report is None:
        raise _missing(runs)
    return ImportReport.model_validate_json(report.read_bytes())


@router.get("/{job_id}/problems")
def list_problems(runs: RunsDep, wanted: WantedDep) -> ProblemPage:
    """What was wrong with the files that came, one by one, and what became of each."""
    return problem_page(_reported(runs).find(LAYOUT.problems), f"/jobs/{runs.job.id}/problems", wanted)


def _reported(runs: JobRuns) -> RunFiles:
    """The files of the newest attempt that came as far as its report."""
    found = next((attempt for attempt in runs.attempts if attempt.size(LAYOUT.report) is not None), None)
    if found is None:
        raise _missing(runs)
    return found


def _missing(runs: JobRuns) -> ProblemError:
    job = runs.job
    what = "has no report yet" if isinstance(job.spec, ImportSpec) else "is a training, which has no report"
    return ProblemError(ProblemType.NOT_FOUND, f"job {job.id} {what}; it is {job.status}")
