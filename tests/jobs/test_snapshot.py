"""What Redis holds, taken down key by key and put into an empty one."""

import json
from typing import Any

import pytest
from redis import Redis

from core.errors import StartError
from core.schema import RESTORING, SCHEMA
from jobs import keys, snapshot
from jobs.record import JobOrigin, JobStatus, NumberedEvent
from jobs.refill import complete, refill, require_empty
from jobs.snapshot import Entry, Moved, open_for_snapshots, take_snapshot
from jobs.store import JobStore
from tests.jobs.claims import DATASET, ERROR, IMPORT, PUBLICATION, SPEC, claimed, committed, events
from tests.jobs.counted import disagreements

SOMEBODY = JobOrigin("somebody", "r-1")


@pytest.fixture
def raw(redis_server: Any, redis: Redis) -> Any:
    client = open_for_snapshots(redis_server.url)
    yield client
    client.close()


def everything(raw: Any) -> dict[str, Any]:
    """All keys with their values, and whether they expire."""
    found = {}
    for key in raw.scan_iter("digitforge:*"):
        if key != keys.SCHEMA_KEY:
            found[key] = (snapshot.READ[raw.type(key)](raw, key), raw.pexpiretime(key))
    return found


def one_of_each(store: JobStore) -> dict[str, str]:
    """A job in each state, by its name; nothing runs."""
    jobs = {"queued": store.create(SPEC, "a:key ü", SOMEBODY).job.id, "import": store.create(IMPORT).job.id}
    jobs["paused"] = store.pause(store.create(SPEC).job.id).id
    jobs["cancelled"] = store.cancel(store.create(SPEC, None, SOMEBODY).job.id).id
    claim = claimed(store)
    store.fail(claim, ERROR)
    jobs["failed"] = claim.job.id
    claim = committed(store)
    store.publish(claim.job.id, "0123456789abcdef", PUBLICATION)
    jobs["succeeded"] = claim.job.id
    jobs["publishing"] = committed(store).job.id
    claim = claimed(store, IMPORT)
    assert store.commit(claim, DATASET) == "ok"
    jobs["publishing import"] = claim.job.id
    deleted = store.cancel(store.create(SPEC).job.id).id
    store.delete(deleted)
    return jobs


def taken(raw: Any) -> tuple[snapshot.Snapshot, list[Entry]]:
    """A snapshot, and its entries as they come back from JSON."""
    lines: list[str] = []
    found = take_snapshot(raw, lambda entry: lines.append(json.dumps(entry)))
    return found, [Entry(*json.loads(line)) for line in lines]


def moved_over(raw: Any) -> list[str]:
    """Take all down, and put it into an empty Redis: what was given back."""
    found, entries = taken(raw)
    raw.flushall()
    require_empty(raw, "DIGITFORGE_REDIS_URL")
    given_back = refill(raw, entries, found.taken_ms)
    assert raw.get(keys.SCHEMA_KEY) == RESTORING
    complete(raw)
    assert raw.get(keys.SCHEMA_KEY) == str(SCHEMA)
    return given_back


def test_every_key_is_there_again_with_its_value_and_its_expiry(raw: Any, store: JobStore) -> None:
    jobs = one_of_each(store)
    raw.hset("digitforge:key:1", mapping={"name": "a key", "hash": "\udcff"})  # a byte that is no text
    raw.sadd("digitforge:keys", *map(str, range(2500)))
    raw.rpush("digitforge:list", *map(str, range(2500)))
    raw.set("digitforge:text", "text", px=600_000)
    before = everything(raw)
    assert moved_over(raw) == []
    after = everything(raw)
    assert before.keys() == after.keys()
    for key, (value, expiry) in before.items():
        assert after[key][0] == value, key
        assert abs(after[key][1] - expiry) < 2000, key
    assert store.create(SPEC, "a:key ü", SOMEBODY).job.id == jobs["queued"]
    assert [job.id for job in store.page(9, caller="somebody")] == [jobs["cancelled"], jobs["queued"]]


def test_what_files_belong_to_it_is_told(raw: Any, store: JobStore) -> None:
    jobs = one_of_each(store)
    found, _ = taken(raw)
    assert set(found.attempts) == set(jobs.values())
    assert (found.attempts[jobs["queued"]], found.attempts[jobs["failed"]]) == (0, 1)
    assert found.uploads == {IMPORT.upload}


def test_what_ran_is_queued_again_with_an_event_and_nothing_else_changes(
    raw: Any, redis: Redis, store: JobStore
) -> None:
    running, importing = claimed(store), claimed(store, IMPORT)
    told = [NumberedEvent(n, "progress", "{}") for n in range(1, 2600)]  # type: ignore[arg-type]
    store.beat(running, device="cpu", events=told)
    paused, cancelled = claimed(store), claimed(store)
    store.pause(paused.job.id)
    store.cancel(cancelled.job.id)
    before, record = events(redis, running.job.id), redis.hgetall(keys.job_key(running.job.id))
    assert set(moved_over(raw)) == {claim.job.id for claim in (running, importing, paused, cancelled)}
    assert events(redis, running.job.id) == [*before, ("queued", {"reason": "released"})]
    found = [store.get(claim.job.id).status for claim in (running, importing, paused, cancelled)]
    assert found == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.CANCELLED]
    assert redis.zcard(keys.LEASES) == 0
    now: Any = redis.hgetall(keys.job_key(running.job.id))
    changed = {"status", "event", "spent_ms", "claimed_ms"}
    assert {name for name in record if record[name] != now[name]} <= changed
    claim = store.claim_oldest("train")
    assert claim is not None
    assert (claim.job.id, claim.job.attempt) == (running.job.id, 2)


def test_the_time_between_a_snapshot_and_its_return_is_nobodys_work(raw: Any, redis: Redis, store: JobStore) -> None:
    claim = claimed(store)
    found, entries = taken(raw)
    raw.flushall()
    refill(raw, entries, found.taken_ms - 3_600_000)
    assert int(redis.hget(keys.job_key(claim.job.id), "spent_ms") or 0) < 60_000


def test_events_that_came_after_the_record_was_read_are_left_out(
    raw: Any, redis: Redis, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = store.create(SPEC).job.id
    read = snapshot._records

    def read_late(*arguments: Any) -> Any:
        store.cancel(job_id)
        return read(*arguments)

    monkeypatch.setattr(snapshot, "_records", read_late)
    moved_over(raw)
    assert store.get(job_id).status == JobStatus.QUEUED
    assert [kind for kind, _ in events(redis, job_id)] == ["queued"]


@pytest.mark.parametrize("change", ["create", "delete"])
def test_a_snapshot_that_does_not_fit_together_is_not_taken(
    raw: Any, store: JobStore, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    ended = store.cancel(store.create(SPEC).job.id).id
    kinds = snapshot._small_keys if change == "create" else snapshot._records

    def meanwhile(*arguments: Any) -> Any:
        found = kinds(*arguments)
        store.delete(ended) if change == "delete" else store.create(SPEC, None, SOMEBODY)
        return found

    monkeypatch.setattr(snapshot, kinds.__name__, meanwhile)
    with pytest.raises(Moved):
        taken(raw)
    monkeypatch.undo()
    taken(raw)


def test_only_an_empty_redis_is_filled(raw: Any, store: JobStore) -> None:
    raw.set("someone:else", "1")
    require_empty(raw, "DIGITFORGE_REDIS_URL")
    job_id = store.create(SPEC).job.id
    with pytest.raises(StartError, match="DIGITFORGE_REDIS_URL: holds keys of digitforge already, such as digitforge:"):
        require_empty(raw, "DIGITFORGE_REDIS_URL")
    assert store.get(job_id).status == JobStatus.QUEUED


def test_what_a_restore_left_that_did_not_end_makes_room_for_the_next(raw: Any, store: JobStore) -> None:
    one_of_each(store)
    found, entries = taken(raw)
    raw.flushall()
    with pytest.raises(ValueError, match="no entry"):
        refill(raw, [*entries, Entry("other:key", "string", "1")], found.taken_ms)
    require_empty(raw, "DIGITFORGE_REDIS_URL")
    assert raw.keys("digitforge:*") == []


@pytest.mark.parametrize("entry", [Entry("other:key", "string", "1"), Entry("digitforge:a", "module", "1")])
def test_an_entry_that_no_snapshot_has_is_refused(raw: Any, entry: Entry) -> None:
    with pytest.raises(ValueError, match="no entry of a snapshot"):
        refill(raw, [entry], 0)


def test_counters_agree_with_records_after_it(raw: Any, redis: Redis, store: JobStore) -> None:
    one_of_each(store)
    claimed(store)
    claimed(store, IMPORT)
    moved_over(raw)
    assert disagreements(redis) == []
