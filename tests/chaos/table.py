"""The table of what happened, for whoever ran it."""

from collections import Counter
from collections.abc import Iterator

from jobs.record import JobStatus
from tests.chaos.faults import CUT, KINDS, WEIGHTS
from tests.chaos.ledger import Ledger
from tests.chaos.records import Records


def table(ledger: Ledger, records: Records) -> Iterator[str]:
    """Line by line."""
    kinds, roles = [*KINDS, CUT], [role for role in WEIGHTS if any(harmed == role for _, harmed in ledger.faults)]
    yield f"{'faults':<12}" + "".join(f"{kind:>11}" for kind in kinds)
    for role in roles:
        yield f"  {role:<10}" + "".join(f"{ledger.faults[kind, role]:>11}" for kind in kinds)

    jobs = records.jobs.values()
    ends = Counter(job.status.value for job in jobs)
    yield f"{'jobs':<12}{len(jobs)}: {_counts(ends)}"
    failures = Counter(job.error.type for job in jobs if job.status is JobStatus.FAILED and job.error)
    if failures:
        yield f"{'failures':<12}{_counts(failures)}, each after three strikes without a checkpoint between"
    attempts = Counter(str(job.attempt) for job in jobs)
    yield f"{'attempts':<12}" + ", ".join(f"{attempts[n]} jobs with {n}" for n in sorted(attempts, key=int))
    reasons = Counter(e.data["reason"] for events in records.events.values() for e in events if e.type == "queued")
    yield f"{'queued':<12}{_counts(reasons)}"
    recoveries = sorted(_recoveries(records))
    if recoveries:
        (longest_s, job_id), (middle_s, _) = recoveries[-1], recoveries[len(recoveries) // 2]
        yield f"{'recovery':<12}longest {longest_s:.1f} s (job {job_id}), median {middle_s:.1f} s, of {len(recoveries)}"
        yield f"{'':<12}(from the last word of a lost attempt to the start of the next one)"

    told, connections = sum(map(len, records.events.values())), sum(job.connections for job in ledger.known())
    yield f"{'events':<12}{told}, by SSE over {connections} connections"
    drawn = Counter("answered" if drawing.status else "while the API was away" for drawing in ledger.drawings)
    yield f"{'drawings':<12}{_counts(drawn)}"
    yield f"{'contents':<12}{len(ledger.contents)} URLs of samples and pictures, the same bytes each time"
    yield f"{'answers':<12}{_counts(ledger.answers)}"
    refused = Counter(f"{status} to {key}" for (key, status), count in ledger.intrusions.items() for _ in range(count))
    yield f"{'intruder':<12}{_counts(refused)}"


def _recoveries(records: Records) -> Iterator[tuple[float, str]]:
    for job_id, events in records.events.items():
        for number, event in enumerate(events):
            if event.is_strike:
                following = next((later for later in events[number:] if later.type == "running"), None)
                if following is not None:
                    yield following.at_s - events[number - 1].at_s, job_id


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))
