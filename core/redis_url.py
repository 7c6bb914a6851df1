"""The address of Redis: one setting for two libraries, redis-py and Celery, which do not take the same URLs.

What both take is let through. What only one of them understands, or each in its own way, is refused at the start.
"""

import re
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from pydantic import AfterValidator

FORMS = "redis://[user:password@]host[:port][/database], rediss://... for TLS, or unix:///path/of/socket[?db=database]"
TLS_OPTIONS = {"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"}
CERT_REQS = {"required", "optional", "none"}
OF_SEVERAL = ("cluster", "sentinel")  # in the schemes by which other programs name them
ONE_SERVER = (
    "Redis Cluster and Sentinel cannot be used, because Celery's messages and the scripts of jobs need one server "
    "that has all keys; name one, or an address that leads to the primary at any time"
)


def check_redis_url(url: str) -> str:
    """The URL as it is. Raises ValueError that says what is wrong with it and what is allowed."""
    try:
        parts = urlsplit(url)
        fault = _fault_of_socket(parts) if parts.scheme == "unix" else _fault_of_server(parts)
    except ValueError:  # what it says may hold a part of the password
        fault = "the host or the port cannot be read"
    if fault:
        raise ValueError(f"{fault}; allowed: {FORMS}")
    return url


RedisUrl = Annotated[str, AfterValidator(check_redis_url)]


def celery_url(url: str) -> str:
    """The same address as Celery spells it. Raises ValueError as `check_redis_url` does."""
    parts = urlsplit(check_redis_url(url))
    options = dict(parse_qsl(parts.query))
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?{urlencode({'virtual_host': options.get('db', '0')})}"
    if parts.scheme == "rediss":  # without a word about certificates Celery would accept any
        return parts._replace(query=urlencode({"ssl_cert_reqs": "required"} | options)).geturl()
    return url


def without_password(text: str) -> str:
    """A URL, or any other text, to be shown."""
    return re.sub(r"(://).*@", r"\1***@", text)


def _fault_of_server(parts: SplitResult) -> str | None:
    if any(word in parts.scheme for word in OF_SEVERAL) or set(parts.netloc.rpartition("@")[2]) & set(",;"):
        return ONE_SERVER
    if parts.scheme not in ("redis", "rediss"):
        return "it does not begin with redis://, rediss:// or unix://"
    if not parts.hostname:
        return "the host is missing"
    if parts.port == 0:
        return "no server listens on port 0"
    if not re.fullmatch(r"/?|/\d{1,9}", unquote(parts.path)):
        return f"the database is no number: {parts.path!r}"
    return _fault_of_options(parts, TLS_OPTIONS if parts.scheme == "rediss" else set())


def _fault_of_socket(parts: SplitResult) -> str | None:
    if parts.hostname or not PurePosixPath(parts.path).is_absolute():
        return "the path of the socket does not begin with a slash, the third one"
    database = dict(parse_qsl(parts.query)).get("db", "0")
    if not re.fullmatch(r"\d{1,9}", database):
        return f"the database is no number: {database!r}"
    return _fault_of_options(parts, {"db"})


def _fault_of_options(parts: SplitResult, allowed: set[str]) -> str | None:
    if parts.fragment or parts.netloc.count("@") > 1:
        return "special characters in a name or a password are written as %23 for #, %40 for @, %2F for /"
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - allowed):
        return f"unknown: ?{unknown[0]}, allowed: {', '.join(sorted(allowed)) or 'none with this scheme'}"
    if (given := options.get("ssl_cert_reqs", "required")) not in CERT_REQS:
        return f"ssl_cert_reqs is {given!r}, allowed: {', '.join(sorted(CERT_REQS))}"
    return None
