import re
from pathlib import Path
from typing import get_args

import pytest
from redis.connection import parse_url

from core.access import Limits
from core.errors import StartError
from core.settings import Settings
from core.startup import read_settings
from jobs.queue import celery_app

NUMBERS = [
    name
    for name, field in Settings.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DIGITFORGE_{name.upper()}", raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, **values: object) -> str:
    for name, value in values.items():
        monkeypatch.setenv(f"DIGITFORGE_{name.upper()}", str(value))
    with pytest.raises(StartError) as refused:
        read_settings()
    return str(refused.value)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_setting_is_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"DIGITFORGE_{name.upper()}", "")
    assert read_settings() == Settings()
    assert getattr(read_settings(), name) == Settings.model_fields[name].default


ENDLESS = ["inf", "1e999", "9" * 400, "1" + "0" * 5000]


@pytest.mark.parametrize("value", [*ENDLESS, "-inf", "nan", "-1", "many"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_without_an_end_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    if name == "retention_days" and value in ENDLESS:
        monkeypatch.setenv("DIGITFORGE_RETENTION_DAYS", value)
        assert read_settings().retention_days > 1e300
    else:
        assert refusal(monkeypatch, **{name: value}).startswith(f"DIGITFORGE_{name.upper()} = ")


def test_the_limits_of_the_settings_are_those_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(Limits.model_fields):
        monkeypatch.setenv(f"DIGITFORGE_LIMIT_{name.upper()}", str(number))
    assert read_settings().limits == Limits.model_validate(
        {name: number for number, name in enumerate(Limits.model_fields)}
    )


def test_every_wrong_setting_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, port=70_000, lease_s="soon", datasets_dir="/nowhere").splitlines()
    assert sorted(line.partition(" = ")[0] for line in lines) == [
        "DIGITFORGE_DATASETS_DIR",
        "DIGITFORGE_LEASE_S",
        "DIGITFORGE_PORT",
    ]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("devices", ["tpu", "cuda:", "cuda:100", "cpu;cpu", "auto,cpu", "CPU", "cpu:x", ","], "such as cuda:0,cuda:1"),
        ("root_path", ["digits", "/digits/", "//digits", "/a b", "/", "/a?b"], "a path such as /digits"),
        ("hosts", ["a b", "digits.example:8000", "http://digits.example", "caf\u00e9.example", ".x"], "digits.example"),
        ("proxies", ["nginx", "10.0.0.0/33", "127.0.0.1:80", "::g"], "networks such as 127.0.0.1, 172.16.0.0/12"),
    ],
)
def test_a_text_that_is_refused_is_told_what_is_allowed_in_words(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[str], words: str
) -> None:
    for value in values:
        (line,) = refusal(monkeypatch, **{name: value}).splitlines()
        assert line.startswith(f"DIGITFORGE_{name.upper()} = {value!r}: allowed: "), line
        assert words in line
    if name in ("hosts", "proxies"):  # of a list, the item that is wrong
        assert f" = {values[0]!r}: " in refusal(monkeypatch, **{name: f"127.0.0.1, {values[0]}"})


def test_no_setting_answers_with_a_regular_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        if name not in ("data_dir", "host", "worker_metrics_host"):  # of which any text may be one
            line = refusal(monkeypatch, **{name: "~no body?"})
            monkeypatch.delenv(f"DIGITFORGE_{name.upper()}")
            assert line.startswith(f"DIGITFORGE_{name.upper()} = "), line
            assert not re.search(r"pattern|\^|\\[d]|\)\*", line), line


@pytest.mark.parametrize("given", ["cpu, cpu", " cpu ,cpu ", "cpu,cpu,"])
def test_a_list_of_devices_may_have_blanks(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("DIGITFORGE_DEVICES", given)
    assert read_settings().devices == "cpu,cpu"


@pytest.mark.parametrize(("lease_s", "heartbeat_s", "longest"), [(2, 10, "0.667"), (30, 10.1, "10"), (1, 0.5, "0.333")])
def test_a_lease_holds_some_heartbeats(
    monkeypatch: pytest.MonkeyPatch, lease_s: float, heartbeat_s: float, longest: str
) -> None:
    assert refusal(monkeypatch, lease_s=lease_s, heartbeat_s=heartbeat_s) == (
        f"DIGITFORGE_HEARTBEAT_S = {float(heartbeat_s)}: a lease has to hold 3 heartbeats, "
        f"and DIGITFORGE_LEASE_S is {lease_s}; allowed: at most {longest}"
    )
    monkeypatch.setenv("DIGITFORGE_HEARTBEAT_S", str(lease_s / 3))
    assert read_settings().lease_s == lease_s


@pytest.mark.parametrize("name", ["data_dir", "datasets_dir"])
def test_a_tilde_is_the_home_folder_without_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x").mkdir()
    monkeypatch.setenv(f"DIGITFORGE_{name.upper()}", "~/x")
    assert getattr(read_settings(), name) == tmp_path / "x"
    assert "home directory" in refusal(monkeypatch, **{name: "~nobody-of-this-name/x"})


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:7000/3",
        "redis://:p%23w%40%2F@[::1]:7000/3",
        "redis://me:secret@redis/0",
    ],
)
def test_a_redis_url_is_the_same_place_for_both_libraries(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DIGITFORGE_REDIS_URL", url)
    jobs = parse_url(read_settings().redis_url)  # type: ignore[no-untyped-call]
    with celery_app(url) as app, app.connection_for_write() as messages:
        assert (messages.hostname, messages.port or 6379) == (jobs["host"], jobs.get("port", 6379))
        assert int((messages.virtual_host or "/").strip("/") or 0) == jobs.get("db", 0)
        assert (messages.userid, messages.password) == (jobs.get("username"), jobs.get("password"))


def test_celery_checks_certificates_as_redis_py_does() -> None:
    for url, expected in (("rediss://h/1", "CERT_REQUIRED"), ("rediss://h/1?ssl_cert_reqs=none", "CERT_NONE")):
        with celery_app(url) as app, app.connection_for_write() as connection:
            assert connection.ssl["ssl_cert_reqs"].name == expected


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "/run/redis.sock",
        "http://localhost:6379/0",
        "redis+socket:///run/redis.sock",
        "redis://",
        "redis:///0",
        "redis://localhost:port/0",
        "redis://localhost:99999/0",
        "redis://localhost:0/0",
        "redis://[::1/0",
        "redis://localhost/name",
        "redis://localhost/0/1",
        "redis://localhost/-1",
        "redis://localhost/0?db=1",
        "redis://localhost/0?decode_responses=no",
        "redis://:pa#ss@localhost/0",
        "redis://:p@ss@localhost/0",
        "rediss://localhost/0?ssl_cert_reqs=maybe",
        "unix://run/redis.sock",
        "unix:///run/redis.sock?db=one",
        "unix:///run/redis.sock?virtual_host=1",
    ],
)
def test_what_one_of_them_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    (line,) = refusal(monkeypatch, redis_url=url).splitlines()
    assert re.match(r"DIGITFORGE_REDIS_URL = '.*': .*; allowed: redis://", line)


@pytest.mark.parametrize(
    "url",
    [
        "redis-cluster://a/0",
        "rediss+cluster://a/0",
        "sentinel://a:26379/0",
        "redis+sentinel://a:26379/mymaster/0",
        "redis://a:1,b:2/0",
        "redis://a,b/0",
        "redis://a:1;b:2/0",
        "rediss://me:secret@a:1,b:2,c:3/0",
    ],
)
def test_several_servers_of_redis_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert "Redis Cluster and Sentinel cannot be used" in refusal(monkeypatch, redis_url=url)


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "secret" not in refusal(monkeypatch, redis_url="redis://me:secret@localhost/name")
    assert "secret" not in refusal(monkeypatch, redis_url="redis://me:se/secret#cret@localhost/name")


@pytest.mark.parametrize(("given", "host"), [("[::1]", "::1"), ("::", "::"), ("127.0.0.1", "127.0.0.1")])
def test_an_ipv6_address_is_taken_with_brackets_or_without(
    monkeypatch: pytest.MonkeyPatch, given: str, host: str
) -> None:
    monkeypatch.setenv("DIGITFORGE_HOST", given)
    assert read_settings().host == host


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("gs://bucket", "does not begin with s3:// or file://"),
        ("s3://Bucket", "no bucket can be called 'Bucket'"),
        ("s3://bucket/a/../b", "or . or ..: '/a/../b'"),
        ("s3://bucket/a?b", "a query or a fragment"),
        ("file://folder", "the third one"),
        ("file:///", "the root of the file system"),
        ("file:////", "the root of the file system"),
    ],
)
def test_what_is_no_address_of_a_store_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, fault: str) -> None:
    assert fault in refusal(monkeypatch, store_url=url)
