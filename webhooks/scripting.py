"""Running the Lua scripts of `webhooks/scripts/`: each behind `common.lua`, with the keys that it expects."""

from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis

from jobs import keys

KEYS = [keys.OUTBOX, keys.WEBHOOKS, keys.WEBHOOK, keys.CALLER]


def run_script(redis: "Redis", script: str, *arguments: str | int) -> Any:
    """Run a script. Its head says what it takes and answers. A lost answer may make it run twice."""
    return redis.register_script(_source(script))(keys=KEYS, args=arguments)


@cache
def _source(name: str) -> str:
    folder = Path(__file__).parent / "scripts"
    return "".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))
