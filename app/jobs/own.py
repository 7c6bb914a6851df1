"""The job that a URL names, for whoever asked for it and for `admin`. To others it is not there."""

from typing import Annotated

from fastapi import Depends, Path

from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from core.errors import JobNotFound
from jobs.record import Job


def _own_job(
    job_id: Annotated[str, Path(max_length=64, description="As in the answer to POST /train.")],
    services: ServicesDep,
    caller: CallerDep,
) -> Job:
    job = services.store.get(job_id)
    if not caller.may_see(job.caller):
        raise JobNotFound(f"no job {job_id!r}")
    return job


OwnJobDep = Annotated[Job, Depends(_own_job)]
