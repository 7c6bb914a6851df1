"""uvicorn's fast HTTP parser, made to decline upgrades.

A client may offer to change to HTTP/2 (`Upgrade: h2c`) or to a WebSocket. A server that does not accept the offer reads
the request as if it had not been made (RFC 9110, 7.8). httptools stops behind the head of such a request instead, takes
it for one without a body, and reads what follows as another protocol.
"""

from collections.abc import Mapping, Sequence

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.edge.request_ids import HEADER, request_ids
from app.http.problem_types import ProblemType
from app.http.problems import MEDIA_TYPE, NOT_KEPT, problem_response
from core.log_context import in_context

LINGER_S = 2.0  # how long a client that is refused may go on sending before the connection is closed
MAX_URL_BYTES = 2**16 - 1  # the parser's offsets into a URL have 16 bits
MAX_HEAD_BYTES = 2 * (MAX_URL_BYTES + 1)  # with the URL; and of what comes before, between and behind pieces of a body
MAX_PIPELINED = 100  # requests that wait for the answer to one before them

_ids = request_ids()  # of refusals; it begins with the first of them, after the fork


class _UrlTooLong(Exception):
    pass


class _TooManyPipelined(Exception):
    pass


class HttpProtocol(HttpToolsProtocol):
    """Reads a request with an offer to upgrade again, without the offer. Answers what is no HTTP with a problem."""

    told: Sequence[tuple[bytes, bytes]] = ()  # headers of its own answers

    _is_refused = False
    _idle_bytes = 0  # since the last head or piece of a body was complete

    def _should_upgrade(self) -> bool:
        return True  # then uvicorn starts no task for the request, and leaves it to `data_received`

    def on_url(self, url: bytes) -> None:
        """Take a piece of the URL, unless there were enough."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            raise _UrlTooLong

    def on_headers_complete(self) -> None:
        """Take a head, unless too many requests wait."""
        self._idle_bytes = 0
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.headers = []  # for fields behind a body, which do not belong to the head (RFC 9110, 6.5.1)
        if len(self.pipeline) > MAX_PIPELINED:
            raise _TooManyPipelined

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._idle_bytes = 0
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        """Feed the parser. What a client sends behind its refusal is discarded."""
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        self._idle_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(rest=data[offer.args[0] :])
        except HttpParserError as error:
            match error.__context__:
                case _UrlTooLong():
                    self.reject(ProblemType.URI_TOO_LONG, f"the URL is too long; allowed: {MAX_URL_BYTES} bytes")
                case _TooManyPipelined():
                    self.send_400_response(f"too many requests wait for their answers; allowed: {MAX_PIPELINED}")
                case _:
                    self.send_400_response(f"the request is not HTTP: {error}")
        if self._idle_bytes > MAX_HEAD_BYTES and not self._is_refused:
            detail = f"the head of the request is too long; allowed: {MAX_HEAD_BYTES} bytes"
            self.reject(ProblemType.HEAD_TOO_LARGE, detail)

    def _decline(self, rest: bytes) -> None:
        """Parse the head anew, without the offer, and `rest` behind it."""
        method = self.scope["method"]
        if method == "CONNECT":  # it always asks for another protocol: a tunnel
            self.send_400_response("CONNECT is for proxies, which this server is not")
            return
        lines = [f"{method} ".encode() + self.url + f" HTTP/{self.scope['http_version']}".encode()]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def send_400_response(self, msg: str) -> None:
        """As uvicorn calls it."""
        self.reject(ProblemType.BAD_REQUEST, msg)

    def reject(self, kind: ProblemType, detail: str) -> None:
        """Refuse what was sent, and log it."""
        with in_context(request_id=self.refuse(kind, detail)):
            self.logger.warning(detail)

    def refuse(self, kind: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> str:
        """Answer with a problem, and close the connection: where the next request would begin is not known.

        It is closed a moment later for a client that is still sending: with unread bytes it would be reset, and the
        answer be lost. Returns the id that the answer has.
        """
        self._is_refused = True
        request_id = next(_ids)  # its own stands among headers that could not be read
        with in_context(request_id=request_id):
            body = bytes(problem_response(kind, detail).body)
        lines = [b"content-type: " + MEDIA_TYPE.encode(), b"content-length: %d" % len(body), b"connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in NOT_KEPT.items()]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in (headers or {}).items()]
        lines += [name + b": " + value for name, value in (*self.told, *self.server_state.default_headers)]
        lines.append(HEADER + b": " + request_id.encode())
        self.transport.write(STATUS_LINE[kind.status] + b"\r\n".join([*lines, b"", body]))
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.close)
        else:  # an earlier request is still being answered, which needs the connection to be closed as a whole
            self.transport.close()
        return request_id
