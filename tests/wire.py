"""A connection to a server, byte by byte, for what no HTTP client would send."""

import socket
from http.client import parse_headers
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

TIMEOUT_S = 30


class Answer(NamedTuple):
    """A response that was read to its end."""

    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes


class Wire:
    """Sends bytes, and reads the answers in their order."""

    def __init__(self, base: str) -> None:
        url = urlsplit(base)
        assert url.hostname is not None
        assert url.port is not None
        self._socket = socket.create_connection((url.hostname, url.port), TIMEOUT_S)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self._socket.close()

    def send(self, *parts: bytes) -> None:
        """Send bytes as they are."""
        for part in parts:
            self._socket.sendall(part)

    def shut(self, how: int) -> None:
        """End one direction of the connection, as `socket.shutdown` does."""
        self._socket.shutdown(how)

    def line(self) -> bytes:
        """The next line of what comes."""
        return self._file.readline()

    def answer(self, method: str = "GET") -> Answer:
        """The next response; one to HEAD ends with its headers."""
        status = int(self._file.readline().split(b" ")[1])
        headers = {name.lower(): value for name, value in parse_headers(self._file).items()}
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        return Answer(status, headers, self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self._file.read(int(headers["content-length"]))
        assert headers["transfer-encoding"] == "chunked"
        chunks = []
        while size := int(self._file.readline(), 16):
            chunks.append(self._file.read(size))
            self._file.readline()
        self._file.readline()
        return b"".join(chunks)

    def is_closed(self) -> bool:
        """Whether the server ends the connection without another byte."""
        return self._file.read(1) == b""
