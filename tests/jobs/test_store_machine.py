"""Any calls in any order, by anybody, each perhaps twice: the real scripts on a real Redis, against a model of them.

DIGITFORGE_MACHINE_EXAMPLES=2000 makes a longer search than the usual one.
"""

import json
import os
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    invariant,
    run_state_machine_as_test,
)

from cli.redis_server import RedisServer
from jobs.redis_client import connect
from tests.jobs.claims import wait_for_uptime
from tests.jobs.counted import disagreements
from tests.jobs.machine_calls import LEASE_S, WEBHOOK_EVENTS
from tests.jobs.machine_contents import INDEXES, WITH_STATUS, Contents
from tests.jobs.machine_model import NEXT_STATES, TERMINAL
from tests.jobs.machine_rules import TOLD_TYPES, JobRules

EXAMPLES = int(os.environ.get("DIGITFORGE_MACHINE_EXAMPLES", "60"))
STEPS = 30


KEPT = {f"digitforge:{one}" for one in ("durations", "files", "counters", "events")}  # without a job too


class JobMachine(JobRules):
    """What holds after each call."""

    @invariant()
    def the_table_holds(self) -> None:
        self.found = found = self.contents()
        self._records_are_as_they_should_be(found)
        self._strikes_are_counted(found)
        self._indexes_follow_from_records(found)
        self._events_tell_what_happened_once_and_in_order(found)
        self._states_follow_each_other_as_in_the_table(found)
        self._an_end_is_final(found)
        self._what_was_committed_is_what_succeeds(found)
        self._counters_count_what_happened(found)
        self._each_end_waits_once_for_its_webhook(found)
        self._keys_are_those_that_the_store_names(found)

    def teardown(self) -> None:
        assert disagreements(self.redis) == []

    def _records_are_as_they_should_be(self, found: Contents) -> None:
        jobs = self.store.page(limit=100)
        assert [job.id for job in jobs] == [one for one in reversed(self.born) if one in self.lives]
        for job in jobs:
            life = self.lives[job.id]
            assert life.agrees_with(job), f"{job} should be {life}"

    def _strikes_are_counted(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            assert int(record["strikes"]) == self.lives[job_id].strikes

    def _indexes_follow_from_records(self, found: Contents) -> None:
        for index, belong in {
            "jobs": set(self.lives),
            "leases": {one for one, life in self.lives.items() if life.has_lease},
            "publishing": {one for one, life in self.lives.items() if life.is_publishing},
            "ended": {one for one, life in self.lives.items() if life.status in TERMINAL},
        }.items():
            assert set(found.indexes[index]) == belong, index
        for status, index in WITH_STATUS.items():
            belong = {one for one, life in self.lives.items() if life.status == status}
            created = {one: float(found.records[one]["created_us"]) for one in belong}
            assert found.indexes[index] == created, index  # the queue is one of them
        imports = {one for one, life in self.lives.items() if life.is_import and life.status == "queued"}
        assert set(found.indexes["imports"]) == imports
        assert self.store.queued_ids("import") == [one for one in self.born if one in imports]
        assert imports.isdisjoint(self.store.queued_ids("train"))
        assert found.files == self.deleted
        assert len(found.durations) == min(20, self.trained)

    def _events_tell_what_happened_once_and_in_order(self, found: Contents) -> None:
        assert set(found.events) == set(found.records) == set(self.lives)
        for job_id, rows in found.events.items():
            told = [(fields["type"], json.loads(fields["data"])) for _, fields in rows]
            assert told == self.lives[job_id].events
            assert found.records[job_id]["event"] == rows[-1][0]
            texts = [data["text"] for kind, data in told if kind in TOLD_TYPES]
            assert texts == sorted(set(texts)), "events told twice, or out of order"
            assert sum(kind == "running" for kind, _ in told) == int(found.records[job_id]["attempt"])

    def _states_follow_each_other_as_in_the_table(self, found: Contents) -> None:
        for job_id, rows in found.events.items():
            state = ""
            states = [fields["type"] for _, fields in rows if fields["type"] in NEXT_STATES]
            for following in states:
                assert following in NEXT_STATES[state], f"{state} -> {following}"
                state = following
            is_terminal = self.lives[job_id].status in TERMINAL
            assert sum(one in TERMINAL for one in states) == is_terminal
            assert (rows[-1][1]["type"] in TERMINAL) == is_terminal

    def _an_end_is_final(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            if record["status"] in TERMINAL:
                end = record, found.events[job_id]
                assert self.ended.setdefault(job_id, end) == end

    def _what_was_committed_is_what_succeeds(self, found: Contents) -> None:
        for job_id, record in found.records.items():
            field = "dataset" if self.lives[job_id].is_import else "model_id"
            assert record.get(field) == self.committed.get(job_id)
            if job_id in self.committed:
                assert record["status"] in ("running", "succeeded")
            decided = record["status"] == "succeeded" and "model_id" in record
            assert decided == ("publication" in record)

    def _counters_count_what_happened(self, found: Contents) -> None:
        should = Counter[str]()
        for life in (*self.lives.values(), *self.gone):
            kind = "import" if life.is_import else "train"
            should[f"claimed:{kind}"] += life.attempt
            should[f"strikes:{kind}"] += life.struck
            for event, data in life.events:
                if event == "queued":
                    should[f"queued:{kind}:{data['reason']}"] += 1
                elif event == "paused":
                    should[f"paused:{kind}"] += 1
                elif event in TERMINAL:
                    should[f"ended:{kind}:{life.end}"] += 1
        for life in self.gone:
            kind = "import" if life.is_import else "train"
            should[f"deleted:{kind}:{life.end}"] += 1
            should[f"deleted_claimed:{kind}"] += life.attempt
        counted = {name: int(value) for name, value in found.counters.items() if "spent_ms" not in name}
        assert Counter(counted) == should

    def _each_end_waits_once_for_its_webhook(self, found: Contents) -> None:
        ended = {one for one, life in self.lives.items() if f"job.{life.status}" in WEBHOOK_EVENTS}
        assert set(self.redis.zrange(f"digitforge:outbox:{self.webhook}", 0, -1)) == ended
        waiting = {f"digitforge:outbox:job:{one}" for one in ended}
        assert {one for one in found.keys if one.startswith("digitforge:outbox:job:")} == waiting

    def _keys_are_those_that_the_store_names(self, found: Contents) -> None:
        keys = {f"digitforge:{part}:{one}" for part in ("job", "events") for one in self.lives}
        keys |= {f"digitforge:idempotency:anybody:{key}" for key in self.asked}
        keys |= {f"digitforge:{one}" for one in INDEXES}
        keys |= {one for one in found.keys if one.startswith("digitforge:caller:anybody:use:")}
        keys |= {one for one in found.keys if "webhook" in one or one.startswith("digitforge:outbox")}
        assert set(found.keys) <= keys | KEPT


def test_no_sequence_of_calls_brings_the_store_into_a_state_that_is_not_in_the_table(redis_server: RedisServer) -> None:
    JobMachine.redis = connect(redis_server.url)
    wait_for_uptime(JobMachine.redis, LEASE_S)
    run_state_machine_as_test(
        JobMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    JobMachine.redis.close()
