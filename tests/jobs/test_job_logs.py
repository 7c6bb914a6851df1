"""Lines about a job name it, and the request that made it."""

from redis import Redis

from core.log_context import log_context
from jobs.job_logs import about, about_id
from jobs.record import JobOrigin
from jobs.store import JobStore
from tests.jobs.claims import SPEC

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ORIGIN = JobOrigin("a1B2c3D4", "r1", f"00-{TRACE_ID}-{SPAN_ID}-01")
MADE_BY = {"key": "a1B2c3D4", "request_id": "r1", "trace_id": TRACE_ID, "span_id": SPAN_ID}


def test_lines_about_an_attempt_name_the_job_and_its_request(store: JobStore) -> None:
    job_id = store.create(SPEC, origin=ORIGIN).job.id
    claim = store.claim(job_id)
    assert claim is not None
    with about(claim.job):
        assert log_context() == {"job_id": job_id, "attempt": 1, **MADE_BY}
    assert log_context() == {}
    with about_id(store, job_id):
        assert log_context() == {"job_id": job_id, **MADE_BY}


def test_a_job_of_an_older_version_has_its_id(store: JobStore, redis: Redis) -> None:
    job_id = store.create(SPEC).job.id
    with about(store.get(job_id)):
        assert log_context() == {"job_id": job_id, "attempt": 0, "key": "anybody"}
    redis.hdel(f"digitforge:job:{job_id}", "caller", "traceparent", "request_id")
    with about_id(store, job_id):
        assert log_context() == {"job_id": job_id}


def test_a_record_that_cannot_be_read_stops_no_line(store: JobStore, redis: Redis) -> None:
    redis.set("digitforge:job:broken", "no record")
    for job_id in ("broken", "gone"):
        with about_id(store, job_id):
            assert log_context() == {"job_id": job_id}
