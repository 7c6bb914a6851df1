"""Clients that keep to their limits, beside many that ask for ten times what the service can draw.

    python -m bench.overload --seconds 60

The API in two processes, with Redis and a key for each client. First its capacity is measured, with a key that has no
limit. The limits are such that all clients together may draw SHARE of it: 32 honest ones ask for HONEST of their limit,
160 others for far more than theirs, each over several connections, and 40 come with wrong keys. It begins with a lead
in which the greedy ones use up what they may draw at once: a minute's images.
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from pathlib import Path

from access.key import new_key
from access.key_record import NewKey
from bench.hasty_clients import Client, Seen
from bench.load import Memory
from bench.serve import ours
from cli.redis_server import RedisServer
from core.access import Limits, Scope

IMAGES, HONEST_IMAGES = 64, 4  # of a picture
HONEST_CLIENTS, GREEDY_CLIENTS, GUESSING_CLIENTS = 32, 160, 40
CONNECTIONS = 2  # of a greedy client
TIMES = 10  # the capacity, in requests
SHARE, HONEST = 0.3, 0.8
LEAD_S = 1.3 * 60 * SHARE  # the allowances of a minute, drawn at full capacity, and a little more
MEASURING_CLIENTS = 16


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description="Honest clients under overload.")
    parser.add_argument("--seconds", type=int, default=60, help="of overload")
    seconds = parser.parse_args().seconds
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder) / "redis") as redis:
        keys = Path(folder) / "keys.json"
        free = _write_keys(keys, [Limits()])
        server = ours(DIGITFORGE_KEYS_FILE=str(keys), DIGITFORGE_API_PROCESSES="2", DIGITFORGE_REDIS_URL=redis.url)
        server.start()
        try:
            capacity = asyncio.run(_capacity(server.port, free[0], max(5, seconds // 6)))
            clients = HONEST_CLIENTS + GREEDY_CLIENTS
            limit = int(60 * IMAGES * capacity * SHARE / clients)
            texts = _write_keys(keys, [Limits(images_per_minute=limit)] * clients)
            time.sleep(4)  # until both processes have read them
            print(f"capacity {capacity:.0f} pictures of {IMAGES} a second; each key may draw {limit} images a minute")
            with Memory(server.process.pid) as memory:
                asyncio.run(_overload(server.port, texts, capacity, limit, seconds))
            print(f"peak {memory.peak_mb:.0f} MB")
        finally:
            server.stop()


def _write_keys(path: Path, limits: list[Limits]) -> list[str]:
    """A key for each of these limits: their texts."""
    made = [NewKey.make(f"client-{k}", [Scope.GENERATE], limits=one) for k, one in enumerate(limits)]
    path.write_text(json.dumps({"keys": [key.record.model_dump(mode="json") for key in made]}))
    return [key.text for key in made]


async def _capacity(port: int, key: str, seconds: float) -> float:
    """Pictures a second, where a few clients ask as fast as they can."""
    seen, end = Seen(), time.monotonic() + seconds
    clients = [Client(port, f"/generate?n={IMAGES}", key) for _ in range(MEASURING_CLIENTS)]
    await asyncio.gather(*(client.ask_until(end, 0, seen) for client in clients))
    assert not seen.lost, seen.statuses
    return seen.asked / seconds


async def _overload(port: int, keys: list[str], capacity: float, limit: int, seconds: float) -> None:
    random.seed(0)
    path = f"/generate?n={min(IMAGES, limit)}"  # on a slow machine, all that a key may draw at once
    honest_every_s = 60 * HONEST_IMAGES / (HONEST * limit)
    other_every_s = (CONNECTIONS * GREEDY_CLIENTS + GUESSING_CLIENTS) / (TIMES * capacity)
    wrong = [new_key(f"{k:08d}") for k in range(GUESSING_CLIENTS)]
    small = f"/generate?n={HONEST_IMAGES}"
    honest = [(Client(port, small, key), honest_every_s) for key in keys[:HONEST_CLIENTS]]
    greedy = [(Client(port, path, key), other_every_s) for key in keys[HONEST_CLIENTS:] * CONNECTIONS]
    guessing = [(Client(port, path, key), other_every_s) for key in wrong]
    groups = {"honest": honest, "greedy": greedy, "wrong keys": guessing}
    for client, _ in (*honest, *greedy, *guessing):
        await client.open()
    print("| | clients | requests | a second, of the capacity | answers | p50 ms | p99 ms | lost |")
    print("|---|---|---|---|---|---|---|---|")
    for phase, duration in (("lead", LEAD_S), ("overload", seconds)):
        seen, end = {name: Seen() for name in groups}, time.monotonic() + duration
        await asyncio.gather(
            *(one.ask_until(end, every_s, seen[name]) for name, group in groups.items() for one, every_s in group)
        )
        for name, found in seen.items():
            answers = ", ".join(f"{n} of {status}" for status, n in found.statuses.most_common())
            times = f"{found.quantile_ms(0.5):.0f} | {found.quantile_ms(0.99):.0f}"
            lost = f"{100 * found.lost / max(1, found.asked):.2f} %"
            offered = f"{found.asked / duration / capacity:.1f}"
            print(f"| {phase} | {name} | {found.asked} | {offered} | {answers} | {times} | {lost} |", flush=True)


if __name__ == "__main__":
    main()
