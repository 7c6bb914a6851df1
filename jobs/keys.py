"""The names of all keys in Redis.

    digitforge:job:<id>     hash, the record
    digitforge:events:<id>  stream, what has become of it: see jobs/feed.py
    digitforge:events       stream, what becomes of all of them: event, job, caller, type, data
    digitforge:jobs         zset, all job ids by creation time
    digitforge:queued, running, paused, succeeded, failed, cancelled
                            zsets, the jobs of each status by creation time
    digitforge:imports      zset, the queued imports among them
    digitforge:leases       zset, the running ones by the end of their lease
    digitforge:publishing   zset, those with a model or data set that is not yet published, by the time of their commit
    digitforge:ended        zset, those that have ended, by that time
    digitforge:durations    list, how long the last succeeded trainings ran, in ms
    digitforge:files        set, deleted jobs whose files are still to be removed
    digitforge:caller:<caller>, digitforge:caller:<caller>:<status>
                            zsets, the jobs of a caller, and those of each status, by creation time; of anybody none
    digitforge:caller:<caller>:use:<day>
                            hash, what a caller has used in a UTC day, counted from 1970: images, device_ms, and the
                            number of each process' last batch of images; it expires
    digitforge:caller:<caller>:rate:<rate>
                            when a caller's bucket will be empty, in us: see jobs/scripts/limits.lua; it expires
    digitforge:caller:<caller>:limits
                            hash, the limits that claims hold a caller to: running, device_s_per_day
    digitforge:counters     hash, how often each thing has happened to jobs
    digitforge:webhook:<id> hash, a webhook; digitforge:webhooks is the zset of all by creation time
    digitforge:caller:<caller>:webhooks
                            hash, a caller's webhooks, and which types of messages each takes; has the field `revoked`
                            once the caller's key was revoked
    digitforge:outbox       zset, the webhooks with something to send, by when the next of it may be sent
    digitforge:outbox:<webhook>
                            zset, the ended jobs that a webhook is still to be told of, by when
    digitforge:outbox:job:<id>
                            hash, what has become of the messages about a job: <webhook>:status, :next_ms, :tries
    digitforge:schema       string, which schema all of this has: see core/schema.py
    digitforge:idempotency:<caller>:<key>
                            hash, what a caller first asked with an Idempotency-Key; it expires
    digitforge:workers      set, the ids of workers; digitforge:worker:<id>, digitforge:worker:<id>:<lane>
                            what each of them, and each of its lanes, told of itself; it expires: see jobs/workers.py
    digitforge:keys         hash, the API's keys by id, without their texts; digitforge:keys:version is a text that
                            changes with them, digitforge:keys:used a hash of when each was last used, in seconds
                            since 1970
    digitforge:deployment   string, the id of this deployment, which the store that its machines share has too
    digitforge:collected    string, there while the garbage of that store was collected lately; it expires

Nothing else names a key.
"""

from core.access import ANYBODY_ID
from jobs.record import JobStatus

PREFIX = "digitforge:"
JOBS = f"{PREFIX}jobs"
LEASES = f"{PREFIX}leases"
PUBLISHING = f"{PREFIX}publishing"
ENDED = f"{PREFIX}ended"
DURATIONS = f"{PREFIX}durations"
IMPORTS = f"{PREFIX}imports"
FILES = f"{PREFIX}files"
CALLER = f"{PREFIX}caller:"
COUNTERS = f"{PREFIX}counters"
OUTBOX = f"{PREFIX}outbox"
EVENTS = f"{PREFIX}events"
WORKERS = f"{PREFIX}workers"
KEYS = f"{PREFIX}keys"
KEYS_VERSION = f"{PREFIX}keys:version"
KEYS_USED = f"{PREFIX}keys:used"
SCHEMA_KEY = f"{PREFIX}schema"
DEPLOYMENT = f"{PREFIX}deployment"
COLLECTED = f"{PREFIX}collected"
IDEMPOTENCY = f"{PREFIX}idempotency:"
WEBHOOK = f"{PREFIX}webhook:"
WEBHOOKS = f"{PREFIX}webhooks"
REVOKED = "revoked"


def job_key(job_id: str) -> str:
    """The record of a job."""
    return f"{PREFIX}job:{job_id}"


def events_key(job_id: str) -> str:
    """The events of a job."""
    return f"{PREFIX}events:{job_id}"


def idempotency_key(key: str, caller: str = ANYBODY_ID) -> str:
    """What a caller asked with an Idempotency-Key. The caller's name holds no colon; the key may hold any."""
    return f"{IDEMPOTENCY}{caller}:{key}"


def jobs_with(status: JobStatus) -> str:
    """The jobs that have a status."""
    return f"{PREFIX}{status}"


def jobs_of(caller: str, status: JobStatus | None = None) -> str:
    """The jobs of a caller, or those of them that have a status."""
    return f"{CALLER}{caller}" if status is None else f"{CALLER}{caller}:{status}"


def worker_key(worker_id: str) -> str:
    """What a worker told of itself."""
    return f"{PREFIX}worker:{worker_id}"


def lane_key(worker_id: str, lane: str) -> str:
    """What a lane of a worker told of itself."""
    return f"{worker_key(worker_id)}:{lane}"


def webhooks_of(caller: str) -> str:
    """The webhooks of a caller."""
    return f"{CALLER}{caller}:webhooks"


def told_of(job_id: str) -> str:
    """What has become of the messages about a job."""
    return f"{OUTBOX}:job:{job_id}"


def script_keys(job_id: str) -> list[str]:
    """The keys that each script takes, in the order of `jobs/scripts/common.lua`."""
    shared = [JOBS, LEASES, PUBLISHING, ENDED, DURATIONS, IMPORTS, CALLER, COUNTERS, OUTBOX, EVENTS]
    return [job_key(job_id), events_key(job_id), *shared, *map(jobs_with, JobStatus)]
