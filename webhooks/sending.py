"""One request to a webhook: to an address that was chosen before, over at most so many seconds and bytes.

Not by an HTTP client, which resolves the name itself, follows redirects, reads proxies from the environment, and waits
for as long as some byte comes now and then.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httptools

from core.version import VERSION
from webhooks.targets import Address, Target

TOTAL_S = 20.0  # the standard has 15 to 30 s
CONNECT_S = 5.0  # to one address
MAX_ANSWER = 64 << 10  # bytes; what comes behind them is not read
CHUNK = 16 << 10


class Answer(NamedTuple):
    """What a receiver answered."""

    status: int
    retry_after_s: float = 0.0


def post(
    target: Target,
    addresses: Sequence[Address],
    headers: Mapping[str, str],
    body: bytes,
    tls: ssl.SSLContext,
    total_s: float = TOTAL_S,
) -> Answer:
    """Send a POST to the first of some addresses that takes a connection. Redirects are answers as any other.

    Raises OSError where no answer came in time, or no HTTP.
    """
    end = time.monotonic() + total_s
    fixed = {
        "Host": target.authority,
        "User-Agent": f"digitforge/{VERSION}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**fixed, **headers}.items())]
    with _connected(target, addresses, tls, end) as connection:
        connection.settimeout(_left(end))
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        return _read(connection, end)


@contextmanager
def _connected(
    target: Target, addresses: Sequence[Address], tls: ssl.SSLContext, end: float
) -> Iterator[socket.socket]:
    plain = _connect(target.port, addresses, end)
    with closing(plain):
        plain.settimeout(_left(end))
        if target.scheme == "http":
            yield plain
        else:
            with tls.wrap_socket(plain, server_hostname=target.host) as encrypted:
                yield encrypted


def _connect(port: int, addresses: Sequence[Address], end: float) -> socket.socket:
    failures: list[OSError] = []
    for address in addresses:
        try:
            return socket.create_connection((str(address), port), min(CONNECT_S, _left(end)))
        except OSError as error:
            failures.append(error)
    raise failures[-1]


def _read(connection: socket.socket, end: float) -> Answer:
    """The status and when to come again. The body is read only so that the receiver can send it, and not to its end."""
    reader, taken = _Reader(), 0
    while not reader.complete and taken < MAX_ANSWER:
        try:
            connection.settimeout(_left(end))
            data = connection.recv(CHUNK)
            reader.parser.feed_data(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if reader.answer is None:
                raise OSError(f"no answer of HTTP: {error}") from error
            break
        taken += len(data)
        if not data:
            break
    if reader.answer is None:
        raise OSError("the connection ended, or went on without end, before the head of an answer was complete")
    return reader.answer


class _Reader:
    """What httptools calls while it parses. Interim answers (1xx) are passed over."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.answer: Answer | None = None
        self.complete = False
        self._retry_after_s = 0.0

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._retry_after_s = _seconds(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status >= 200:
            self.answer = Answer(status, self._retry_after_s)

    def on_message_complete(self) -> None:
        self.complete = self.answer is not None


def _seconds(retry_after: str) -> float:
    """What a Retry-After says: seconds, or a date (RFC 9110, 10.2.3). 0 for what is neither."""
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
        return max(0.0, date.timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
