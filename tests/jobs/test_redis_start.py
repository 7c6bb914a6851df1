"""A Redis that answers but can never be used is refused at the start, with what is wrong and what is allowed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError

from cli.redis_binary import find_redis
from cli.redis_server import RedisServer
from core.errors import StartError
from core.ports import hold_port, port_of
from jobs.redis_rights import KEYS, UNASKED, names
from jobs.schema import claim_redis
from tests.parts import bare_redis
from tests.service import wait_until
from tests.tls import Authority, tls_relay

ALL = [*(f"~{key}" for key in KEYS), *(f"+{name}" for name in names())]
USER = "digitforge-service"


def set_user(redis: Any, *rules: str) -> None:
    redis.execute_command("ACL", "SETUSER", USER, *rules)


def refusal(url: str) -> str:
    with pytest.raises(StartError, match=r"^DIGITFORGE_REDIS_URL = '.*': ") as refused:
        claim_redis(url)
    assert "secret" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def url(redis_server: RedisServer, redis: Redis) -> Iterator[str]:
    """The URL of a user of the shared server that has no right but those that the service needs."""
    set_user(redis, "reset", "on", ">secret", *ALL)
    yield f"redis://{USER}:secret@127.0.0.1:{redis_server.port}/0"
    redis.acl_deluser(USER)


def test_a_user_with_the_rights_that_are_needed_may_start_and_writes_nothing_but_the_schema(
    redis: Redis, url: str
) -> None:
    claim_redis(url)
    assert redis.keys() == ["digitforge:schema"]


@pytest.mark.parametrize("name", sorted(names() - set(UNASKED)))
def test_a_user_without_one_right_is_refused_and_nothing_is_carried_out(redis: Redis, url: str, name: str) -> None:
    set_user(redis, f"-{name}")
    assert name.partition("|")[0] in refusal(url).lower()
    assert redis.keys() == []


@pytest.mark.parametrize("missing", KEYS)
def test_a_user_without_some_keys_is_refused(redis: Redis, url: str, missing: str) -> None:
    set_user(redis, "resetkeys", *(f"~{key}" for key in KEYS if key != missing))
    assert "access a key" in refusal(url)


def test_a_wrong_password_is_refused_and_not_shown(url: str) -> None:
    said = refusal(url.replace(":secret@", ":secret2@"))
    assert "invalid username-password pair" in said or "WRONGPASS" in said


def test_a_server_of_a_cluster_is_refused(tmp_path: Path) -> None:
    with bare_redis(tmp_path, "--cluster-enabled", "yes") as port, answering(port):
        assert "its mode is cluster; Redis Cluster and Sentinel cannot be used" in refusal(
            f"redis://127.0.0.1:{port}/0"
        )


def test_a_sentinel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sentinel.conf").touch()
    with hold_port() as held:
        command = [find_redis(), "sentinel.conf", "--sentinel", "--bind", "127.0.0.1", "--port", str(port_of(held))]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            with answering(port_of(held)):
                assert "its mode is sentinel" in refusal(f"redis://127.0.0.1:{port_of(held)}/0")
        finally:
            process.terminate()
            process.wait()


def test_a_redis_that_is_away_is_no_reason_not_to_start(redis_server: RedisServer) -> None:
    with hold_port() as held:
        claim_redis(f"redis://127.0.0.1:{port_of(held)}/0")


def test_a_certificate_is_verified_with_the_authority_of_the_url_and_for_its_host(
    tmp_path: Path, redis_server: RedisServer, redis: Redis
) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    with (
        tls_relay(redis_server.port, ours.issue("server", "127.0.0.1")) as good,
        tls_relay(redis_server.port, ours.issue("elsewhere", "192.0.2.1")) as elsewhere,
    ):
        claim_redis(tls_url(redis_server, good, ssl_ca_certs=ours.own.certificate))
        assert redis.get("digitforge:schema")
        assert "unable to get" in refusal(tls_url(redis_server, good, ssl_ca_certs=theirs.own.certificate))
        assert "unable to get" in refusal(tls_url(redis_server, good)) or "self" in refusal(tls_url(redis_server, good))
        assert "IP address mismatch" in refusal(tls_url(redis_server, elsewhere, ssl_ca_certs=ours.own.certificate))


def test_a_client_certificate_is_sent_and_a_server_that_misses_it_is_named(
    tmp_path: Path, redis_server: RedisServer, redis: Redis
) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    ca, mine, foreign = ours.own.certificate, ours.issue("client"), theirs.issue("foreign")
    with tls_relay(redis_server.port, ours.issue("server", "127.0.0.1"), clients=ca) as port:
        own = {"ssl_ca_certs": ca, "ssl_certfile": mine.certificate, "ssl_keyfile": mine.key}
        claim_redis(tls_url(redis_server, port, **own))
        assert "ssl_certfile" in refusal(tls_url(redis_server, port, ssl_ca_certs=ca))
        own |= {"ssl_certfile": foreign.certificate, "ssl_keyfile": foreign.key}
        assert "unknown ca" in refusal(tls_url(redis_server, port, **own)).lower()


def tls_url(server: RedisServer, port: int, **options: Path) -> str:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{server.url.replace('redis://', 'rediss://').replace(str(server.port), str(port))}?{query}".rstrip("?")


@contextmanager
def answering(port: int) -> Iterator[None]:
    with Redis(port=port) as client:
        wait_until(lambda: _pings(client))
    yield


def _pings(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
