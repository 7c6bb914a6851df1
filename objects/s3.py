"""An object store that speaks S3, by obstore: each put is one request with If-None-Match or If-Match.

Where the store is and who asks is said by the variables that other S3 clients know; obstore reads them. Files below
~/.aws are not read.
"""

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from core.errors import ObjectNotFound, StartError, StoreError
from core.startup import blaming
from objects.s3_faults import Fault, fault_of
from objects.store import Listed, ObjectStore, Refused, Stored, Unclear, check_key

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config
    from obstore.store import S3Store as Client

CONNECT_S = 2.0
ANSWER_S = 5.0  # for a small object, and for each part of an answer
SMALL = 64 << 10  # bytes
LARGE_S = 40.0  # for a whole chunk: 8 MiB by a line of 2 Mbit/s
PAGE = 1000  # keys of a list that are in memory at once
CONFIG = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
    "region": "AWS_REGION",
    "endpoint": "AWS_ENDPOINT_URL",
    "aws_endpoint_url_s3": "AWS_ENDPOINT_URL_S3",
}
WORDS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")

_used_by: int | None = None  # the process whose threads carry obstore's calls out


class _Clients(NamedTuple):
    """Connections for reading, which is tried again, and for puts, which are not: it would hide what became of them."""

    reading: "Client"
    small: "Client"
    large: "Client"


class S3Store(ObjectStore):
    """The objects below a prefix of a bucket; a tag is an ETag. Any number of threads may use it.

    obstore is imported by the first call (25 ms, 14 MB). Its threads do not survive a fork: a process that has made a
    call must not fork one that makes some.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        """`url` is `s3://bucket[/prefix]`."""
        parts = urlsplit(url)
        self.url, self.bucket, self.prefix = url, parts.netloc, parts.path.strip("/")
        self._environment = {name: value for name, value in environment.items() if name.startswith("AWS_") and value}
        self._lock = threading.Lock()
        self._opened: _Clients | None = None

    def get(self, key: str) -> Stored:
        """An object. Raises ObjectNotFound."""
        stored = self.get_unless(key, None)
        assert stored is not None
        return stored

    def get_unless(self, key: str, tag: str | None) -> Stored | None:
        """An object, or None where it still has this tag. Raises ObjectNotFound."""
        import obstore
        from obstore.exceptions import NotModifiedError

        client = self._clients().reading
        try:
            with self._explained("get", key):
                answer = obstore.get(client, check_key(key), options={"if_none_match": tag} if tag else None)
                return Stored(bytes(answer.bytes()), answer.meta["e_tag"] or "")
        except NotModifiedError:
            return None

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash."""
        import obstore

        client = self._clients().reading
        with self._explained("list", prefix):
            pages = iter(obstore.list(client, prefix.rstrip("/") or None, chunk_size=PAGE))
        while True:
            with self._explained("list", prefix):
                page = next(pages, None)
            if page is None:
                return
            for found in page:
                yield Listed(found["path"], found["size"], found["last_modified"].timestamp())

    def delete(self, key: str) -> None:
        """Remove an object, where there is one."""
        import obstore

        client = self._clients().reading
        try:
            with self._explained("delete", key):
                obstore.delete(client, check_key(key))
        except ObjectNotFound:  # most stores say nothing of it
            pass

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        import obstore

        clients = self._clients()
        client = clients.small if len(data) <= SMALL else clients.large
        try:
            with self._explained("put", key):
                mode: obstore.PutMode = "create" if tag is None else {"e_tag": tag}
                obstore.put(client, check_key(key), data, mode=mode, use_multipart=False)
        except ObjectNotFound as error:  # of moto for If-Match on a key that is not there
            raise Refused from error

    @contextmanager
    def _explained(self, call: str, key: str) -> Iterator[None]:
        """Turn what obstore raises into our own errors; that an object is not modified is left as it is."""
        from obstore.exceptions import BaseError, NotModifiedError

        try:
            yield
        except (NotModifiedError, StoreError):
            raise
        except (BaseError, OSError) as error:
            fault = fault_of(error)
            if fault.status == 412:
                raise Refused from error
            if fault.is_missing_object:
                raise ObjectNotFound(key) from error
            if call == "put" and fault.may_be_written:
                raise Unclear(self._text(call, key, fault)) from error
            raise fault.kind(self._text(call, key, fault)) from error

    def _text(self, call: str, key: str, fault: Fault) -> str:
        """What was asked of which store as whom, and what it said; never a secret."""
        who = self._environment.get("AWS_ACCESS_KEY_ID")
        return f"{self.url}{f' at {self._endpoint}' if self._endpoint else ''}: {call} {key}: {fault.said}" + (
            fault.hint(f"the key {who}" if who else "a role") if fault.is_refusal else ""
        )

    @property
    def _endpoint(self) -> str | None:
        return self._environment.get("AWS_ENDPOINT_URL_S3") or self._environment.get("AWS_ENDPOINT_URL")

    def _clients(self) -> _Clients:
        global _used_by
        with self._lock:
            if _used_by not in (None, os.getpid()):
                raise RuntimeError("this process was forked by one that has used the store, and cannot use it")
            if self._opened is None:
                self._opened = self._open()
            _used_by = os.getpid()
            return self._opened

    def _open(self) -> _Clients:
        """Clients of obstore. Raises StartError for variables that make no sense.

        obstore reads the environment itself, and stops the process at an empty AWS_ENDPOINT_URL_S3. Compose files set
        what is not given to nothing, so a variable that is empty is none.
        """
        for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
            del os.environ[name]
        options: ClientConfig = {"connect_timeout": timedelta(seconds=CONNECT_S)}
        self._require_words()
        endpoint = self._endpoint
        if endpoint is not None:
            if not _is_url(endpoint):
                raise StartError(f"AWS_ENDPOINT_URL = {endpoint!r}: no URL; allowed: http://host:port, https://host")
            options["allow_http"] = endpoint.startswith("http:")
        if path := self._environment.get("AWS_CA_BUNDLE"):
            with blaming("AWS_CA_BUNDLE", path, "a file of certificates as PEM"):
                options["root_certificate"] = Path(path).read_bytes()
        again: RetryConfig = {
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=CONNECT_S),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=500)},
        }
        reading: ClientConfig = {**options, "read_timeout": timedelta(seconds=ANSWER_S)}
        return _Clients(
            self._client({**reading, "timeout": timedelta(seconds=LARGE_S)}, again),
            self._client({**options, "timeout": timedelta(seconds=ANSWER_S)}, {"max_retries": 0}),
            self._client({**options, "timeout": timedelta(seconds=LARGE_S)}, {"max_retries": 0}),
        )

    def _require_words(self) -> None:
        """Raise StartError for what cannot stand in a header; obstore panics. Its value may be a secret."""
        for name in WORDS:
            if re.search(r"[^!-~]", self._environment.get(name, "")):
                raise StartError(f"{name}: has a space, a line break or a letter that is not ASCII; allowed: a word")

    def _client(self, options: "ClientConfig", retry: "RetryConfig") -> "Client":
        from obstore.exceptions import BaseError
        from obstore.store import S3Store as Client

        given = {
            name: self._environment[variable] for name, variable in CONFIG.items() if variable in self._environment
        }
        config: S3Config = {**given, "disable_bulk_delete": True}  # type: ignore[typeddict-item]
        try:
            return Client(
                self.bucket, prefix=self.prefix or None, config=config, client_options=options, retry_config=retry
            )
        except (BaseError, ValueError) as error:  # such as a key without its secret
            raise StartError(f"{self.url}: {str(error).partition(chr(10))[0]}; see the variables AWS_*") from error


def _is_url(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port of 99999
        return False
