"""`python -m app`: serve the API at the address in the settings, or on sockets that were inherited."""

import argparse
import asyncio
import gc
import socket
from collections.abc import Sequence
from types import FrameType

import uvicorn
from fastapi import FastAPI

from access.required import check_start
from access.shared_buckets import Buckets
from app.drawing.shared_counts import SharedCounts
from app.edge.parser import HttpProtocol
from app.main import create_app
from app.metrics.meters import Meters
from app.processes import Processes, cores
from core.logs import log_to_stderr
from core.ports import BACKLOG, listen
from core.settings import Settings
from core.startup import open_data_dir, read_settings, run
from jobs.schema import claim_redis

CLOSE_S = 10  # for requests under way
GRACE_S = CLOSE_S + 5.0
ACCEPTED_AT_ONCE = 1
MOST_UNASKED = 16  # processes: each takes some 75 MB
EXIT_NOT_STARTED = 3  # as uvicorn's own command


class Server(uvicorn.Server):
    """Sets `closing` at once when it is to end: event streams would hold it up for ever."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept few connections at a time, so that the processes beside this one get theirs."""
        await super().startup(sockets)
        for listening in sockets or []:  # asyncio has set how many may wait to how many it accepts at once
            listening.listen(BACKLOG)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note it, and end as uvicorn does."""
        self._closing.set()
        super().handle_exit(sig, frame)


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the API."""
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        proxy_headers=False,  # app/edge/proxies.py has them
        log_config=None,  # core/logs.py has it
        access_log=False,  # app/edge/access_log.py has it
        timeout_graceful_shutdown=CLOSE_S,
        backlog=ACCEPTED_AT_ONCE,
    )


def main() -> int:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m app", description="Serve the API.")
    parser.add_argument(
        "--fd", type=int, action="append", default=[], help="number of an inherited socket that listens already"
    )
    inherited = [socket.socket(fileno=number) for number in parser.parse_args().fd]
    settings = read_settings()
    log_to_stderr(settings, "api")
    open_data_dir(settings, writes=False)
    claim_redis(settings.redis_url)
    sockets = inherited or listen(settings.host, settings.port)
    check_start(settings, sockets)
    waiting = SharedCounts(settings.api_processes or min(cores(), MOST_UNASKED))
    meters, buckets = Meters(waiting.processes), Buckets(waiting.processes)
    if waiting.processes == 1:
        return _serve(settings, sockets, waiting, meters, buckets)
    gc.collect()
    gc.freeze()  # a collection would write to pages that all processes share

    def work(number: int) -> int:
        waiting.become(number)
        meters.become(number)
        buckets.become(number)
        return _serve(settings, sockets, waiting, meters, buckets)

    return Processes(waiting.processes, work, GRACE_S).run()


def _serve(
    settings: Settings, sockets: Sequence[socket.socket], waiting: SharedCounts, meters: Meters, buckets: Buckets
) -> int:
    closing = asyncio.Event()
    server = Server(server_config(create_app(settings, closing, waiting, meters, buckets), settings), closing)
    server.run(list(sockets))
    return 0 if server.started else EXIT_NOT_STARTED


if __name__ == "__main__":
    run(main)
