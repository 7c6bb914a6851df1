"""The job that a URL names: to read, for whoever may see it, and to change, for whoever asked for it and for `admin`.

To those who may not see it, it is not there.
"""

from typing import Annotated

from fastapi import Depends, Path

from app.http.bearer import not_allowed
from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from core.access import Scope
from core.errors import JobNotFound
from jobs.record import Job


def _seen_job(
    job_id: Annotated[str, Path(max_length=64, description="As in the answer to POST /train.")],
    services: ServicesDep,
    caller: CallerDep,
) -> Job:
    job = services.store.get(job_id)
    if not caller.may_see(job.caller):
        raise JobNotFound(f"no job {job_id!r}")
    return job


SeenJobDep = Annotated[Job, Depends(_seen_job)]


def _own_job(job: SeenJobDep, caller: CallerDep) -> Job:
    if not caller.owns(job.caller):
        raise not_allowed(caller, Scope.ADMIN)
    return job


# Also to read what may hold another's secrets, such as the URL of a webhook.
OwnJobDep = Annotated[Job, Depends(_own_job)]
