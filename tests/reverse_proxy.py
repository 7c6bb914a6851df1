"""A reverse proxy that serves a service under a path, which it cuts off, and says so in `X-Forwarded` headers."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@contextmanager
def reverse_proxy(upstream: str, prefix: str, **forwarded: str) -> Iterator[str]:
    """The URL of the proxy, without the prefix. `forwarded` are headers that it sends, such as `Host` or `Prefix`."""
    netloc = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            headers |= {f"X-Forwarded-{name}": value for name, value in forwarded.items()}
            with (
                closing(HTTPConnection(netloc, timeout=30)) as connection,
                suppress(OSError, HTTPException),  # a stream ends when either side goes
            ):
                connection.request(self.command, self.path.removeprefix(prefix), body or None, headers)
                self._answer(connection.getresponse())

        def _answer(self, answer: HTTPResponse) -> None:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            if answer.headers.get_content_type() == "text/event-stream":
                self.send_header("Connection", "close")
                self.end_headers()
                while part := answer.read1():
                    self.wfile.write(part)
            else:
                content = answer.read()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
