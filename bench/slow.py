"""What slow clients cost the others: 200 slow senders and 200 idle event streams, all from one address.

    python -m bench.slow

Another address asks for an image twenty times a second meanwhile, in turns with and without them. A slow sender sends
half a head and then a byte a second, or a body in that way, or nothing; where it is let go, it comes again.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.load import Measured, resident_mb
from bench.serve import Server, ours
from cli.redis_server import RedisServer

SENDERS, STREAMS = 200, 200
ADDRESS = "127.0.0.2"
HEAD = b"GET /generate?n=1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
SENT = {"heads": HEAD, "bodies": BODY, "nothing": b""}
EACH_S = 1.0
A_SECOND = 20  # requests of the other client


class Seen(NamedTuple):
    """What the slow clients saw."""

    longest_s: dict[str, float]  # of those that were let go
    let_go: int
    streams: int  # that were open at the end


class Attack:
    """Slow clients on an event loop of their own."""

    def __init__(self, port: int, job_id: str) -> None:
        self._port, self._job_id = port, job_id
        self._longest_s = dict.fromkeys(SENT, 0.0)
        self._let_go = self._streams = 0

    async def run(self, stopped: asyncio.Event) -> Seen:
        """Attack until it is stopped."""
        kinds = list(SENT)
        clients = [asyncio.create_task(self._send(kinds[k % len(kinds)])) for k in range(SENDERS)]
        clients += [asyncio.create_task(self._follow()) for _ in range(STREAMS)]
        await stopped.wait()
        seen = Seen(self._longest_s, self._let_go, self._streams)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        return seen

    async def _send(self, kind: str) -> None:
        while True:
            reader, writer = await self._connect()
            began = time.monotonic()
            writer.write(SENT[kind])
            ended = asyncio.create_task(reader.read())
            with suppress(OSError):
                while not (await asyncio.wait([ended], timeout=EACH_S))[0]:
                    writer.write(b" " if kind == "bodies" else b"x" if kind == "heads" else b"")
                await ended
            self._longest_s[kind] = max(self._longest_s[kind], time.monotonic() - began)
            self._let_go += 1
            writer.close()

    async def _follow(self) -> None:
        reader, writer = await self._connect()
        writer.write(f"GET /jobs/{self._job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        if (await reader.readline()).startswith(b"HTTP/1.1 200"):
            self._streams += 1
        await reader.read(2**20)
        await asyncio.Event().wait()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=(ADDRESS, 0))


def attack(port: int, job_id: str, pipe: Connection) -> None:
    """A process that attacks until something comes, and says what it saw."""

    async def run() -> Seen:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), stopped.set)
        return await Attack(port, job_id).run(stopped)

    pipe.send(asyncio.run(run()))


@contextmanager
def attacked(port: int, job_id: str, seen: list[Seen]) -> Iterator[None]:
    """Attack while the block runs; what was seen is appended."""
    own, its = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=attack, args=(port, job_id, its))
    process.start()
    try:
        yield
    finally:
        own.send(None)
        seen.append(own.recv())
        process.join()


def open_connections(port: int) -> int:
    """How many connections the server has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] not in ("0A", "06") for row in rows)  # listens, has ended


def draws(server: Server, seconds: int) -> Measured:
    """How fast another client gets an image, which asks in time with a clock."""
    took_ms, failed = [], 0
    with httpx.Client(base_url=server.base, timeout=30) as client:
        began = time.monotonic()
        for k in range(seconds * A_SECOND):
            time.sleep(max(0.0, began + k / A_SECOND - time.monotonic()))
            asked = time.monotonic()
            failed += client.get("/generate?n=1").status_code != 200
            took_ms.append(1e3 * (time.monotonic() - asked))
    took_ms.sort()
    p50, p99 = (took_ms[int(share * len(took_ms))] for share in (0.5, 0.99))
    return Measured(p50, p99, len(took_ms) / (time.monotonic() - began), failed)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.slow", description="What slow clients cost the others.")
    parser.add_argument("--seconds", type=int, default=40, help="of each turn; a body is let go after 30")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="of the API")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        server = ours(DIGITFORGE_REDIS_URL=redis.url, DIGITFORGE_API_PROCESSES=str(arguments.processes))
        server.start()
        try:
            _compare(server, arguments.seconds, arguments.turns)
        finally:
            server.stop()


def _compare(server: Server, seconds: int, turns: int) -> None:
    job_id = httpx.post(f"{server.base}/train", json={}).json()["id"]  # there is no worker: it waits
    seen: list[Seen] = []
    draws(server, 3)
    for _ in range(turns):
        idle, before_mb = draws(server, seconds), resident_mb(server.process.pid)
        with attacked(server.port, job_id, seen):
            time.sleep(5)  # until all are there
            began_mb, connections = resident_mb(server.process.pid), open_connections(server.port)
            slow = draws(server, seconds)
            ended_mb = resident_mb(server.process.pid)
        time.sleep(3)
        left, after_mb = open_connections(server.port), resident_mb(server.process.pid)
        for name, found in (("idle", idle), ("attacked", slow)):
            print(f"{name}: p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms, {found.per_s:.0f}/s", flush=True)
        print(f"p99 {slow.p99_ms / idle.p99_ms:.2f} times its idle value; failed: {slow.failed}")
        print(f"memory: {before_mb:.0f} MB before, {began_mb:.0f} to {ended_mb:.0f} during, {after_mb:.0f} after")
        longest = ", ".join(f"{kind} {longest_s:.1f} s" for kind, longest_s in seen[-1].longest_s.items())
        print(f"{connections} connections; {seen[-1].let_go} senders were let go, at the latest: {longest}")
        print(f"{seen[-1].streams} streams were open; {left} connections are left at the end", flush=True)


if __name__ == "__main__":
    main()
