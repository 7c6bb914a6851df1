"""`python -m app`: serve the API at the address in the settings, or on sockets that were inherited."""

import argparse
import asyncio
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.edge.parser import HttpProtocol
from app.main import create_app
from core.ports import listen
from core.settings import Settings
from core.startup import open_data_dir, read_settings, run

CLOSE_S = 10  # for requests under way
EXIT_NOT_STARTED = 3  # as uvicorn's own command


class _Server(uvicorn.Server):
    """Sets `closing` at once when it is to end: event streams would hold it up for ever."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._closing.set()
        super().handle_exit(sig, frame)


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the API."""
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        proxy_headers=False,  # app/edge/proxies.py has them
        log_level="info",
        access_log=settings.access_log,
        timeout_graceful_shutdown=CLOSE_S,
    )


def main() -> int:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m app", description="Serve the API.")
    parser.add_argument(
        "--fd", type=int, action="append", default=[], help="number of an inherited socket that listens already"
    )
    inherited = [socket.socket(fileno=number) for number in parser.parse_args().fd]
    settings = read_settings()
    open_data_dir(settings, writes=False)
    closing = asyncio.Event()
    server = _Server(server_config(create_app(settings, closing), settings), closing)
    server.run(inherited or listen(settings.host, settings.port))
    return 0 if server.started else EXIT_NOT_STARTED


if __name__ == "__main__":
    run(main)
