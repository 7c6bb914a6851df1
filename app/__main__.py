"""`python -m app`: serve the API at the address in the settings, or on sockets that were inherited."""

import argparse
import asyncio
import gc
import logging
import resource
import socket
from collections.abc import Sequence
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI

from access.required import check_start
from app.edge.connection import Connection, Entrance
from app.edge.deadlines import SHARES, Deadlines
from app.edge.door import Door
from app.edge.headers import for_browsers
from app.main import create_app
from app.processes import Processes, cores
from app.shared import Shared
from core.logs import log_to_stderr
from core.ports import BACKLOG, listen
from core.settings import Settings
from core.startup import open_data_dir, read_settings, run
from jobs.schema import claim_redis
from sharing.belonging import check_start as check_store

CLOSE_S = 10  # for requests under way
GRACE_S = CLOSE_S + 5.0
ACCEPTED_AT_ONCE = 1
MOST_UNASKED = 16  # processes: each takes some 75 MB
EXIT_NOT_STARTED = 3  # as uvicorn's own command
OTHER_FILES = 256  # that a process has open beside its connections and streams: of models and uploads, to Redis
UNHEARD_MS = 30_000  # how long a peer may acknowledge nothing that was sent

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Sets `closing` at once when it is to end: event streams would hold it up for ever."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept few connections at a time, so that the processes beside this one get theirs."""
        for listening in sockets or []:
            if listening.family in (socket.AF_INET, socket.AF_INET6):  # each connection has it from there
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
        await super().startup(sockets)
        for listening in sockets or []:  # asyncio has set how many may wait to how many it accepts at once
            listening.listen(BACKLOG)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: end the connections of a share whose clients are late."""
        ended = 0
        for connection in list(self.server_state.connections):
            assert isinstance(connection, Connection)
            if connection.share == counter % SHARES:
                ended += connection.end_if_late()
        if ended:
            logger.info("%d clients took too long, and were let go", ended)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note it, and end as uvicorn does."""
        self._closing.set()
        super().handle_exit(sig, frame)


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the API."""
    shared: Shared = app.state.shared
    door = Door(shared.connections, settings.max_connections_per_address, settings.proxies)
    deadlines = Deadlines(settings.head_timeout_s, settings.body_timeout_s)
    entrance = Entrance(door, deadlines, for_browsers(settings.cors_origins), shared.meters)
    return uvicorn.Config(
        app,
        http=partial(Connection, entrance=entrance),  # type: ignore[arg-type]
        ws="none",
        proxy_headers=False,  # app/edge/proxies.py has them
        server_header=False,
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
    sockets = inherited or listen(settings.host, settings.port)
    check_start(settings, sockets)
    claim_redis(settings.redis_url)
    check_store(settings, waits=False)
    processes = settings.api_processes or min(cores(), MOST_UNASKED)
    shared = Shared.of(settings, processes, most_connections(settings))
    if processes == 1:
        return _serve(settings, sockets, shared)
    gc.collect()
    gc.freeze()  # a collection would write to pages that all processes share

    def work(number: int) -> int:
        shared.become(number)
        return _serve(settings, sockets, shared)

    return Processes(processes, work, GRACE_S).run()


def most_connections(settings: Settings) -> int:
    """How many connections may be open: as many as the settings say, if a process may have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    others = OTHER_FILES + settings.max_streams
    wanted = settings.max_connections + others
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            most = max(1, soft - others)
            logger.warning("at most %d connections, because a process may have %d files open", most, soft)
            return most
    return settings.max_connections


def _serve(settings: Settings, sockets: Sequence[socket.socket], shared: Shared) -> int:
    closing = asyncio.Event()
    app = create_app(settings, closing, shared)
    server = Server(server_config(app, settings), closing)
    server.run(list(sockets))
    return 0 if server.started else EXIT_NOT_STARTED


if __name__ == "__main__":
    run(main)
