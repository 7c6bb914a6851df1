"""Request bodies: as large as they may be, as long as they say, not encoded, and not without end on their way.

A client that is still sending when it is refused hears why. The answer goes out at once; the rest of the body is read
and discarded, within bounds. To close a connection with unread bytes would reset it, and the client would lose the
answer.
"""

import asyncio
import time
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, answer
from app.http.urls import route_path

DISCARD_BYTES = 256 << 20
DISCARD_S = 30.0
SILENCE_S = 3.0
LEAST_RATE = 500  # bytes a second, once a body took longer than a silence may last
LATE_S = 1.0  # how long a client that is too slow may go on until the connection is closed


class CheckBodies:
    """Refuses bodies that are too large (413), encoded (415), shorter than they say (400), or too slow (408)."""

    def __init__(self, app: ASGIApp, limit: int, upload_limit: int, silence_s: float) -> None:
        """The limits are in bytes; files of images have one of their own. `silence_s` is how long no byte may come."""
        self._app, self._limit, self._upload_limit, self._silence_s = app, limit, upload_limit, silence_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length, encoding, chunked = None, b"", False
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value)  # the parser takes digits alone
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"content-encoding":
                encoding = value.strip().lower()
        if not length and not chunked:
            await self._app(scope, receive, send)
            return
        limit = self._upload_limit if _brings_a_file(scope) else self._limit
        body = _Body(receive, send, length, limit, self._silence_s)
        if length is not None and length > limit:
            detail = f"the body has {length} bytes; allowed: {limit}"
            await answer(scope, ProblemError(ProblemType.PAYLOAD_TOO_LARGE, detail))(scope, receive, body.send)
        elif encoding not in (b"", b"identity"):
            detail = f"the body's Content-Encoding is {encoding.decode('latin-1')}; allowed: identity, which is none"
            error = ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": "identity"})
            await answer(scope, error)(scope, receive, send)
        else:
            await self._app(scope, body.receive, body.send)


def _brings_a_file(scope: Scope) -> bool:
    """Whether this is `POST /datasets`, or a part of an upload."""
    path = route_path(scope)
    return (scope["method"] == "POST" and path in ("/datasets", "/uploads")) or path.startswith("/uploads/")


class _Body:
    """The body of one request, counted as it comes, and discarded behind a 413 or 408."""

    def __init__(self, receive: Receive, send: Send, length: int | None, limit: int, silence_s: float) -> None:
        self._receive, self._send = receive, send
        self._length, self._limit, self._silence_s = length, limit, silence_s
        self._arrived = 0
        self._waited_s = 0.0  # for the client alone
        self._refused_with: int | None = None
        self._is_complete = False

    async def receive(self) -> Message:
        """The next piece. Raises ProblemError when it is late, one too many, or the last and others are missing."""
        message = await (self._receive() if self._is_complete else self._in_time())
        if message["type"] == "http.request":
            self._arrived += len(message.get("body", b""))
            if self._arrived > self._limit:
                raise ProblemError(
                    ProblemType.PAYLOAD_TOO_LARGE, f"the body is too large; allowed: {self._limit} bytes"
                )
            if not message.get("more_body", False):
                self._is_complete = True
                self._check_length()
        return message

    async def _in_time(self) -> Message:
        began = time.monotonic()
        left_s = self._silence_s + self._arrived / LEAST_RATE - self._waited_s
        try:
            async with asyncio.timeout(min(self._silence_s, left_s)):
                message = await self._receive()
        except TimeoutError as error:
            detail = f"nothing more of the body came for {self._silence_s:g} s"
            if left_s < self._silence_s:
                came = f"{self._arrived} bytes of the body came in {self._waited_s + left_s:.0f} s"
                detail = f"{came}; allowed: at least {LEAST_RATE} bytes a second after the first {self._silence_s:g} s"
            raise ProblemError(ProblemType.BODY_TIMEOUT, detail) from error
        self._waited_s += time.monotonic() - began
        return message

    def _check_length(self) -> None:
        if self._length is None and self._arrived == 0:
            raise ProblemError(ProblemType.INCOMPLETE_BODY, "Transfer-Encoding announces a body, and none has arrived")
        if self._length is not None and self._arrived != self._length:
            detail = f"Content-Length announces {self._length} bytes, and {self._arrived} have arrived"
            raise ProblemError(ProblemType.INCOMPLETE_BODY, detail)

    async def send(self, message: Message) -> None:
        """Pass an answer on. One that says 413 ends once the client has sent all, or as much as will be read."""
        if message["type"] == "http.response.start" and message["status"] in (408, 413) and not self._is_complete:
            self._refused_with = message["status"]
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        elif self._refused_with and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard(DISCARD_S if self._refused_with == 413 else LATE_S)
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _discard(self, seconds: float) -> None:
        left = DISCARD_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while left > 0:
                    message = await asyncio.wait_for(self._receive(), SILENCE_S)
                    left -= len(message.get("body", b""))
                    if not message.get("more_body", False):  # the end, or the client has gone
                        return
