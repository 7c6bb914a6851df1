"""Running the Lua scripts of `jobs/scripts/`: each behind `common.lua` and `limits.lua`, with the keys it expects."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from redis import Redis

from jobs.keys import script_keys


def run_script(redis: "Redis", script: str, job_id: str, *arguments: str | int, more_keys: Sequence[str] = ()) -> str:
    """Run a script about a job. Its head says what it takes and answers. A lost answer may make it run twice."""
    keys = [*script_keys(job_id), *more_keys]
    answer: str = redis.register_script(_source(script))(keys=keys, args=[job_id, *arguments])
    return answer


@cache
def _source(name: str) -> str:
    folder = Path(__file__).parent / "scripts"
    return "".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", "limits", name))
