"""A receiver of webhooks: a real HTTP server in this process, which answers as a test says and keeps what came."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Received(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]  # by names in lower case
    body: bytes


class Reply(NamedTuple):
    """An answer."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()


class Receiver:
    """What came, and what is answered: the replies in order, and then the last of them again."""

    def __init__(self, port: int) -> None:
        self.port, self.received, self.replies = port, list[Received](), [Reply()]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?from=digitforge"

    def take(self, request: Received) -> Reply:
        self.received.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = it.take(Received(self.path, headers, body))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
