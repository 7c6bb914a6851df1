"""A request ends in time and within bounds, whatever the receiver does."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from shutil import which

import pytest

from tests.webhooks.receiver import Reply, receiver
from webhooks.sending import MAX_ANSWER, Answer, post
from webhooks.targets import Target

HERE = [ip_address("127.0.0.1")]
TLS = ssl.create_default_context()


@contextmanager
def answering(answer: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[Target]:
    """A server of one connection, which does what a test says once it has read something."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with tls.wrap_socket(connection, server_side=True) if tls else connection as taken:
                taken.recv(65536)
                answer(taken)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        yield Target.parse(f"{'https' if tls else 'http'}://hooks.example:{port}/hook?a=b")
    thread.join()


def send(target: Target, total_s: float = 5.0, tls: ssl.SSLContext = TLS) -> Answer:
    return post(target, HERE, {"webhook-id": "msg_1"}, b"{}", tls, total_s)


def test_the_request_is_what_the_receiver_gets() -> None:
    with receiver() as it:
        assert send(Target.parse(it.url)) == Answer(204)
    (request,) = it.received
    assert (request.path, request.body) == ("/hook?from=digitforge", b"{}")
    assert request.headers["host"] == f"127.0.0.1:{it.port}"
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("digitforge/")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver() as it, receiver() as elsewhere:
        it.replies = [Reply(307, (("Location", elsewhere.url),))]
        assert send(Target.parse(it.url)).status == 307
    assert elsewhere.received == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as it, receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(Target.parse(it.url)).status == 204
    assert proxy.received == []


def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    with receiver() as it:
        target = Target.parse(it.url)
        found = post(target, [ip_address("127.0.0.2"), *HERE], {}, b"{}", TLS)  # nobody listens at the first
    assert found.status == 204


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", Answer(200)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", Answer(204)),
        (b"HTTP/1.1 102 Wait\r\nRetry-After: 9\r\n\r\nHTTP/1.1 500 No\r\n\r\n", Answer(500, 9.0)),
        (b"HTTP/1.0 200 OK\r\n\r\nbody", Answer(200)),
        (b"HTTP/1.1 429 Slow\r\nretry-after: 120\r\nContent-Length: 0\r\n\r\n", Answer(429, 120.0)),
        (b"HTTP/1.1 503 No\r\nRetry-After: -5\r\n\r\n", Answer(503)),
        (b"HTTP/1.1 503 No\r\nRetry-After: soon\r\n\r\n", Answer(503)),
        (b"HTTP/1.1 503 No\r\nRetry-After: Fri, 01 Jan 1999 00:00:00 GMT\r\n\r\n", Answer(503)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Answer(200)),
    ],
)
def test_answers_are_read_as_far_as_they_matter(said: bytes, answer: Answer) -> None:
    with answering(lambda it: it.sendall(said)) as target:
        assert send(target) == answer


def test_a_date_to_come_again_is_so_many_seconds_away() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with answering(lambda it: it.sendall(f"HTTP/1.1 503 No\r\nRetry-After: {date}\r\n\r\n".encode())) as target:
        assert 3500 < send(target).retry_after_s <= 3600


def test_an_endless_body_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless(it: socket.socket) -> None:
        it.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while len(sent) < 1000:
            sent.append(it.send(b"x" * MAX_ANSWER))

    with answering(endless) as target:
        assert send(target) == Answer(200)
    assert sum(sent) < 500 * MAX_ANSWER  # what the buffers of the sockets hold


def endless_head(it: socket.socket) -> None:
    it.sendall(b"HTTP/1.1 200 OK\r\n")
    with suppress(OSError):
        while True:
            it.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def dripping(it: socket.socket) -> None:
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            it.sendall(bytes([byte]))
            threading.Event().wait(0.05)


@pytest.mark.parametrize(
    "answer",
    [
        endless_head,
        dripping,
        lambda it: it.recv(1),  # until the sender closes
        lambda it: None,
        lambda it: it.sendall(b"SSH-2.0-OpenSSH_9\r\n"),
        lambda it: it.sendall(b"HTTP/1.1 200 OK\r\nX"),
        lambda it: it.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    ],
    ids=["endless head", "dripping", "silent", "closed", "not HTTP", "half a head", "another protocol"],
)
def test_what_is_no_answer_in_time_is_none(answer: Callable[[socket.socket], None]) -> None:
    with answering(answer) as target, pytest.raises(OSError):  # noqa: PT011
        send(target, total_s=0.4)


def test_nobody_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        send(Target.parse(f"http://127.0.0.1:{port}/"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of `hooks.example`, in one file."""
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hooks.example"]
    names = ["-addext", "subjectAltName=DNS:hooks.example"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([openssl, "req", "-x509", *options, *names, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.mark.parametrize(
    ("trusted", "host", "taken"),
    [(True, "hooks.example", True), (True, "other.example", False), (False, "hooks.example", False)],
    ids=["its own name", "another name", "not trusted"],
)
def test_the_certificate_must_be_that_of_the_name(certificate: Path, trusted: bool, host: str, taken: bool) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.create_default_context(cafile=str(certificate) if trusted else None)
    with answering(lambda it: it.sendall(b"HTTP/1.1 204 No\r\n\r\n"), server) as target:
        named = Target("https", host, target.port, target.path)
        if taken:
            assert send(named, tls=client) == Answer(204)
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                send(named, tls=client)
