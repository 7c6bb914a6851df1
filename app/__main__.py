"""`python -m app`: serve the API at the address in the settings, or on a socket that was inherited."""

import argparse
import socket
from types import FrameType

import uvicorn

from app.edge.parser import HttpProtocol
from app.main import create_app
from core.settings import Settings

CLOSE_S = 10  # for requests under way


class _Server(uvicorn.Server):
    """Tells the app at once that it is to end: event streams would hold it up for ever."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app.state.closing.set()
        super().handle_exit(sig, frame)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m app", description="Serve the API.")
    parser.add_argument("--fd", type=int, help="number of an inherited socket that listens already")
    arguments = parser.parse_args()
    settings, app = Settings(), create_app()
    _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=HttpProtocol,
            ws="none",
            proxy_headers=False,  # app/edge/proxies.py has them
            log_level="info",
            access_log=settings.access_log,
            timeout_graceful_shutdown=CLOSE_S,
        )
    ).run(None if arguments.fd is None else [socket.socket(fileno=arguments.fd)])
