"""What a job's events tell of its life."""

import json
from typing import Any

from redis import Redis

from core.vocabulary import EventType
from jobs.record import Claim, NumberedEvent
from jobs.store import JobStore
from tests.jobs.claims import (
    ERROR,
    MODEL,
    PROGRESS,
    PUBLICATION,
    claimed,
    claimed_again,
    events,
)


def test_events_are_told_once_and_in_order_in_each_attempt(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    told = [NumberedEvent(number, EventType.EPOCH, json.dumps({"epoch": number})) for number in (1, 2, 3)]
    store.beat(claim, events=told[:2])
    store.beat(claim, events=told)  # the answer to the first call was lost
    store.beat(Claim(job=claim.job, owner="stranger"), events=[NumberedEvent(9, EventType.EPOCH, "{}")])
    assert events(redis, claim.job.id)[2:] == [("epoch", {"epoch": number}) for number in (1, 2, 3)]
    store.release(claim)
    store.beat(claimed_again(store, claim.job.id), events=told[:1])
    assert events(redis, claim.job.id)[-1] == ("epoch", {"epoch": 1})


def test_the_events_of_a_job_tell_its_life(store: JobStore, redis: Redis) -> None:
    claim = claimed(store)
    job_id = claim.job.id
    store.beat(claim, device="cpu", progress=PROGRESS, events=[NumberedEvent(1, EventType.STARTED, '{"step":0}')])
    for request in (store.pause, store.pause, store.resume, store.pause):
        request(job_id)
    store.release(claim)
    store.resume(job_id)
    store.release(claimed_again(store, job_id))
    store.strike(claimed_again(store, job_id), ERROR)
    store.commit(claimed_again(store, job_id), MODEL)
    store.publish(job_id, MODEL, PUBLICATION)
    assert events(redis, job_id) == [
        ("queued", {"reason": "created"}),
        ("running", {"attempt": 1}),
        ("started", {"step": 0}),
        ("requested", {"request": "pause"}),
        ("requested", {"request": None}),
        ("requested", {"request": "pause"}),
        ("paused", {}),
        ("queued", {"reason": "resumed"}),
        ("running", {"attempt": 2}),
        ("queued", {"reason": "released"}),
        ("running", {"attempt": 3}),
        ("queued", {"reason": "trainer lost"}),
        ("running", {"attempt": 4}),
        ("publishing", {"model": MODEL}),
        ("succeeded", {}),
    ]
    newest: Any = redis.xrevrange(f"digitforge:events:{job_id}", count=1)
    assert store.get(job_id).event == newest[0][0]
