"""Clients that ask at a fixed rate over one connection each, whatever the server makes of it."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

PATIENCE_S = 30.0  # for one answer
AWAY = "no answer"


@dataclass
class Seen:
    """What clients of a kind saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # of the answers 200

    @property
    def asked(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()

    @property
    def lost(self) -> int:
        """How many came to anything but a picture."""
        return self.asked - self.statuses["200"]

    def quantile_ms(self, share: float) -> float:
        """The time that so many of the pictures took at most."""
        return 1000 * sorted(self.seconds)[int(share * (len(self.seconds) - 1))] if self.seconds else float("nan")


class Client:
    """One connection, kept alive, and opened again after a time-out."""

    def __init__(self, port: int, path: str, key: str) -> None:
        self._port, self._path = port, path
        self._head = f" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, seen: Seen) -> None:
        """Ask for a picture that nobody has asked for, and note what comes."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await self._ask()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status = AWAY
            self.close()
        seen.statuses[status] += 1
        if status == "200":
            seen.seconds.append(time.monotonic() - began)

    async def ask_until(self, end: float, every_s: float, seen: Seen) -> None:
        """Ask at a fixed rate until a moment; one that waits for an answer asks as soon as it is there."""
        due = time.monotonic() + random.uniform(0, every_s)
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            await self.ask(seen)
            due = max(due + every_s, time.monotonic())

    async def open(self) -> None:
        """Open the connection, unless it is open."""
        if self._streams and self._streams[0].at_eof():  # the server closes connections that were idle for a while
            self.close()
        if not self._streams:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        """Close the connection."""
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _ask(self) -> str:
        await self.open()
        assert self._streams
        reader, writer = self._streams
        writer.write(f"GET {self._path}&seed={random.getrandbits(40)}{self._head}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length: ")[2].partition("\r")[0]
        await reader.readexactly(int(length or 0))
        if "connection: close" in head:
            self.close()
        return head.split(" ", 2)[1]
