"""What keeps a service from ever working with a Redis that answers: said at the start, instead of tried for ever."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

from redis import AuthenticationError, Redis, RedisError
from redis.exceptions import NoPermissionError

from core.errors import StartError
from core.redis_url import ONE_SERVER, without_password
from jobs.redis_rights import refused

SHOWN = 8  # of the calls that are refused
HOW = "docs/scale.md, Redis, says how"
PORT = 6379
HANDSHAKE_S = 1.0
MAY_PASS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # of a server that is just ending


def require_usable(redis: "Redis", url: str) -> None:
    """Raise StartError for a Redis of another kind, and for a user without the rights that it takes.

    Raises redis' RedisError where nobody can tell.
    """
    info: Any = redis.info("server")
    mode = info.get("redis_mode") or info.get("server_mode")  # the latter is Valkey's
    if mode not in (None, "standalone"):
        raise StartError(f"{_named(url)}: its mode is {mode}; {ONE_SERVER}")
    if said := refused(redis):
        more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
        raise StartError(f"{_named(url)}: {', '.join(said[:SHOWN])}{more}; allowed: a user with all rights ({HOW})")


def explain(error: RedisError, redis: "Redis", url: str) -> None:
    """Raise StartError for an error that no waiting ends: of a password, a right, or a certificate."""
    if isinstance(error, AuthenticationError):
        raise StartError(f"{_named(url)}: {error}; allowed: its user and password") from error
    if isinstance(error, NoPermissionError):
        raise StartError(f"{_named(url)}: {error}; allowed: a user with all rights ({HOW})") from error
    if url.startswith("rediss:"):
        for cause in _told(error, redis):
            if isinstance(cause, ssl.SSLCertVerificationError):
                allowed = "a certificate for this host by an authority that this machine, or ?ssl_ca_certs=FILE, knows"
                raise StartError(f"{_named(url)}: {cause.verify_message}; allowed: {allowed}") from error
            if isinstance(cause, FileNotFoundError):
                raise StartError(f"{_named(url)}: {cause}; allowed: files of certificates that are there") from error
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, MAY_PASS):
                allowed = "TLS as the server speaks it, with ?ssl_certfile= and ?ssl_keyfile= where it asks for them"
                raise StartError(f"{_named(url)}: {cause}; allowed: {allowed}") from error


def _handshake(redis: "Redis") -> OSError | None:
    """What a server says of a client that says nothing. To others its refusal may come as a reset of the connection."""
    options = redis.connection_pool.connection_kwargs
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # redis-py has verified it, or said why not
    try:
        if own := options.get("ssl_certfile"):
            context.load_cert_chain(own, options.get("ssl_keyfile"))
        with (
            socket.create_connection((options["host"], options.get("port", PORT)), HANDSHAKE_S) as plain,
            context.wrap_socket(plain) as connection,
        ):
            connection.recv(1)
    except OSError as error:
        return error
    return None


def _named(url: str) -> str:
    return f"DIGITFORGE_REDIS_URL = {without_password(url)!r}"


def _told(error: RedisError, redis: "Redis") -> Iterator[BaseException]:
    yield from _causes(error)
    yield from _causes(_handshake(redis))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
