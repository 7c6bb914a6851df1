"""uvicorn's fast HTTP parser, made to decline upgrades.

A client may offer to change to HTTP/2 (`Upgrade: h2c`) or to a WebSocket. A server that does not accept the offer reads
the request as if it had not been made (RFC 9110, 7.8). httptools stops behind the head of such a request instead, takes
it for one without a body, and reads what follows as another protocol.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.http.problems import MEDIA_TYPE, problem_response


class HttpProtocol(HttpToolsProtocol):
    """Reads a request with an offer to upgrade again, without the offer. Answers what is no HTTP with a problem."""

    def _should_upgrade(self) -> bool:
        return True  # then uvicorn starts no task for the request, and leaves it to `data_received`

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(rest=data[offer.args[0] :])
        except HttpParserError as error:
            self.send_400_response(f"the request is not HTTP: {error}")

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
        """Answer with a problem, and close the connection: where the next request would begin is not known."""
        self.logger.warning(msg)
        body = bytes(problem_response(400, "bad-request", msg).body)
        head = STATUS_LINE[400] + f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n".encode()
        self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.close()
