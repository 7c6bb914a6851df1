import os
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.errors import StartError

AWKWARD = [
    "my data",
    "it's",
    'the "data"',
    "back\\slash",
    "données 数据",
    "a # b",
    "$HOME `x` %s",
    "two\nlines\tand a tab",
    os.fsdecode(b"not UTF-8 \xff"),
    " ",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_folder_of_any_name_keeps_the_data(tmp_path: Path, name: str) -> None:
    server = RedisServer(tmp_path / name / "redis")
    for value in (b"first", b"second"):
        with server, Redis.from_url(server.url) as client:
            assert client.get("before") == (b"first" if value == b"second" else None)
            client.set("before", value)
    assert (tmp_path / name / "redis" / "appendonlydir").is_dir()


def test_what_a_server_says_when_it_does_not_start_is_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("a file where a folder is to be")
    with pytest.raises(StartError, match=r"(?s)Redis did not start: .+ said:.*appendonlydir"), RedisServer(tmp_path):
        pass


def test_only_what_it_says_this_time_is_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "redis.log").write_text("an old story\n")
    (tmp_path / "appendonlydir").write_text("a file where a folder is to be")
    with pytest.raises(StartError) as error, RedisServer(tmp_path):
        pass
    assert "an old story" not in str(error.value)


def test_what_is_answered_is_on_disk(redis_server: RedisServer) -> None:
    with Redis.from_url(redis_server.url, single_connection_client=True) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        client.set("a", 1)
        assert client.waitaof(1, 0, 1000) == [1, 0]
