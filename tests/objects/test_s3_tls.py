"""A store behind TLS, whose certificate an authority of one's own has signed."""

from pathlib import Path

import pytest

from core.errors import StoreRefused
from objects.s3 import S3Store
from tests.object_servers import LentStore
from tests.tls import Authority, tls_relay


def test_the_authority_is_trusted_that_is_named_and_no_other(s3_server: LentStore, tmp_path: Path) -> None:
    ours, another = (Authority(tmp_path, name) for name in ("ours", "another"))
    given, port = s3_server.server.environment, int(s3_server.server.endpoint.rpartition(":")[2])
    with tls_relay(port, ours.issue("server", "127.0.0.1")) as secure:
        given |= {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{secure}"}
        trusting = S3Store(s3_server.url, given | {"AWS_CA_BUNDLE": str(ours.own.certificate)})
        assert trusting.put_once("key", b"data")
        assert trusting.get("key").data == b"data"
        for untrusted in (given, given | {"AWS_CA_BUNDLE": str(another.own.certificate)}):
            with pytest.raises(StoreRefused, match=r"is not trusted \(\w+; see AWS_CA_BUNDLE\)"):
                S3Store(s3_server.url, untrusted).get("key")
