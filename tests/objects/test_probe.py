"""Stores that are refused at the start, with a sentence that says why."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import StartError, StoreAway, StoreRefused
from core.settings import Settings
from objects.files import FileStore
from objects.probe import check_start, probe
from objects.s3 import S3Store
from objects.watch import StoreWatch
from tests.object_servers import LentStore, Rclone, moto
from tests.objects.faulty import Fault, FaultyStore


class Careless(FaultyStore):
    """Ignores conditions where `ignores` says so."""

    def __init__(self, *ignores: str) -> None:
        super().__init__(lambda: Fault.NONE)
        self.ignores = ignores

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        kind = "If-None-Match" if tag is None else "If-Match"
        super()._put_if(key, data, self._tag(key) if kind in self.ignores else tag)


def test_files_are_fit_and_left_as_they_were(tmp_path: Path) -> None:
    probe(FileStore(tmp_path), "here")
    assert list(FileStore(tmp_path).list("")) == []


def test_seaweedfs_is_fit(s3_server: LentStore) -> None:
    store = S3Store(s3_server.url, s3_server.server.environment)
    probe(store, s3_server.url)
    assert list(store.list("")) == []


def test_rclones_gateway_is_refused(tmp_path: Path) -> None:
    with Rclone(tmp_path) as server:
        lent = server.lend()
        store = S3Store(lent.url, server.environment)
        with pytest.raises(StartError, match=f"DIGITFORGE_STORE_URL = '{lent.url}': it overwrites .*If-None-Match"):
            probe(store, lent.url)
        assert list(store.list("")) == []


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_one_that_ignores_a_condition_is_refused(ignored: str) -> None:
    with pytest.raises(StartError, match=rf"though {ignored}"):
        probe(Careless(ignored), "it")


def test_one_that_lets_two_win_at_once_is_refused() -> None:
    class Slow(FaultyStore):
        """Looks first and writes afterwards."""

        def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
            if b"writer" in data:
                self._objects[key] = data, 0
            else:
                super()._put_if(key, data, tag)

    with pytest.raises(StartError, match="of 3 writers at once that all saw the same state 3 won, not 1"):
        probe(Slow(lambda: Fault.NONE), "it")


def test_wrong_credentials_are_refused_without_the_secret(s3_server: LentStore) -> None:
    given = s3_server.server.environment
    with pytest.raises(StoreRefused) as refused:
        probe(S3Store(s3_server.url, given | {"AWS_SECRET_ACCESS_KEY": "another"}), s3_server.url)
    assert given["AWS_ACCESS_KEY_ID"] in str(refused.value)
    assert "another" not in str(refused.value)
    assert "SignatureDoesNotMatch" in str(refused.value)


def test_a_bucket_that_is_not_there_is_refused(s3_server: LentStore) -> None:
    store = S3Store("s3://not-there/prefix", s3_server.server.environment)
    for call in (lambda: store.get("key"), lambda: store.put_once("key", b""), lambda: list(store.list(""))):
        with pytest.raises(StoreRefused, match=r"not-there.*NoSuchBucket.*allowed: a bucket that is there"):
            call()
    with pytest.raises(StoreRefused, match="not-there"):
        store.delete("key")


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("AWS_SECRET_ACCESS_KEY", "", "Missing SecretAccessKey"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:9000", "AWS_ENDPOINT_URL = '127.0.0.1:9000': no URL; allowed: http://"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", "AWS_ENDPOINT_URL = 'http://127.0.0.1:99999': no URL"),
        ("AWS_ACCESS_KEY_ID", "A\n", "AWS_ACCESS_KEY_ID: has a space, a line break"),
        ("AWS_SECRET_ACCESS_KEY", "B\n", "AWS_SECRET_ACCESS_KEY: has a space"),
        ("AWS_SESSION_TOKEN", "a token", "AWS_SESSION_TOKEN: has a space"),
        ("AWS_REGION", "eu\nwest", "AWS_REGION: has a space"),
        ("AWS_CA_BUNDLE", "/not/there", "AWS_CA_BUNDLE = '/not/there': .*No such file"),
    ],
)
def test_variables_that_make_no_sense_are_named(variable: str, value: str, text: str) -> None:
    given = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(StartError, match=text):
        S3Store("s3://bucket", given | {variable: value}).get("key")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
    with moto() as (url, environment):
        assert S3Store(url, environment | {"AWS_CA_BUNDLE": ""}).put_once("key", b"")


def settings(monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(store_url=url)


def test_a_start_looks_at_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto() as (url, environment):
        check_start(settings(monkeypatch, url, environment), waits=True)
        with pytest.raises(StartError, match="NoSuchBucket"):
            check_start(settings(monkeypatch, "s3://another", environment), waits=True)


def test_a_start_goes_on_where_the_store_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}
    check_start(settings(monkeypatch, "s3://bucket", away), waits=False)
    assert "s3://bucket at http://127.0.0.1:9" in caplog.text


def test_without_s3_its_client_is_not_loaded() -> None:
    check_start(Settings(store_url=None), waits=True)
    code = "import sys, objects.probe, sharing.places; sys.exit('obstore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_watch_tells_when_the_store_goes_and_comes(caplog: pytest.LogCaptureFixture) -> None:
    now = [Fault.AWAY]
    watch, found = StoreWatch(FaultyStore(lambda: now[0]), "it"), []
    for now[0] in (Fault.AWAY, Fault.NONE, Fault.AWAY, Fault.AWAY):
        watch.look()
        found.append(watch.is_up)
    assert found == [False, True, False, False]
    assert caplog.text.count("cannot be used") == 2


def test_the_watch_never_takes_an_unfit_store(caplog: pytest.LogCaptureFixture) -> None:
    watch = StoreWatch(Careless("If-Match"), "it")
    watch.look()
    watch.look()
    assert not watch.is_up
    assert caplog.text.count("though If-Match") == 1


def test_a_store_that_freezes_is_away_in_seconds(s3_server: LentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("objects.s3.ANSWER_S", 0.3)
    store = S3Store(s3_server.url, s3_server.server.environment)
    store.put_once("key", b"data")
    with s3_server.server.frozen():
        for call in (lambda: store.get("key"), lambda: store.put_once("other", b""), lambda: list(store.list(""))):
            with pytest.raises(StoreAway, match="did not answer: Timeout"):
                call()
    assert store.get("key").data == b"data"
    assert store.put_once("other", b"")
