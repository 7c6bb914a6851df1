"""What is logged about a job says which one it is, and which request made it."""

from contextlib import AbstractContextManager

from redis import RedisError

from core.log_context import in_context
from core.traceparent import read_traceparent
from jobs.reader import JobReader
from jobs.record import Job, JobOrigin


def about(job: Job) -> AbstractContextManager[None]:
    """The block is about this attempt at a job."""
    return _about(job.id, JobOrigin(job.caller, job.request_id, job.traceparent), attempt=job.attempt)


def about_id(jobs: JobReader, job_id: str) -> AbstractContextManager[None]:
    """The block is about a job, of which no more is known than its id where its record cannot be had."""
    try:
        return _about(job_id, jobs.origin_of(job_id))
    except RedisError:
        return in_context(job_id=job_id)


def _about(job_id: str, origin: JobOrigin, **more: int) -> AbstractContextManager[None]:
    trace = read_traceparent(origin.traceparent)
    traced = trace._asdict() if trace else {}
    return in_context(job_id=job_id, **more, key=origin.caller, request_id=origin.request_id, **traced)
