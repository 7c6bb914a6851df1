"""A file of keys: read strictly, again when it changes, and as before while it is broken."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from access.key_file import KeyFile, read_keys, write_keys
from access.key_record import NewKey
from core.access import Limits, Scope
from core.errors import StartError

NEW = NewKey.make("ops", [Scope.ADMIN, Scope.GENERATE], limits=Limits(queued=3))


def entry(**changes: Any) -> dict[str, Any]:
    return NEW.record.model_dump(mode="json") | changes


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [NEW.record])
    (read,) = read_keys(path)
    assert read.model_dump() == NEW.record.model_dump()
    assert NEW.text not in path.read_text()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "EOF"),
        ("[]", "object"),
        ('{"key": []}', "unknown field; allowed: keys"),
        ({"keys": [entry(colour="red")]}, "keys.0.colour: unknown field; allowed: id, name, scopes"),
        ({"keys": [entry(scopes=["draw"])]}, "keys.0.scopes.0"),
        ({"keys": [entry(limits={"queud": 3})]}, "keys.0.limits.queud: unknown field; allowed: requests_per_minute, "),
        ({"keys": [entry(sha256="abc")]}, "keys.0.sha256"),
        ({"keys": [entry(id="../etc")]}, "keys.0.id"),
        ({"keys": [entry(), entry()]}, "more often"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, content: Any, word: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(StartError, match="DIGITFORGE_KEYS_FILE") as refused:
        read_keys(path)
    assert word in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file"):
        KeyFile(tmp_path / "keys.json")


def test_it_is_read_again_when_it_changes_and_stays_as_before_while_it_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [NEW.record])
    file = KeyFile(path)
    assert not file.look()
    for broken in ("{", None):
        caplog.clear()
        path.write_text(broken) if broken else path.unlink()
        with caplog.at_level(logging.ERROR):
            assert [file.look(), file.look()] == [False, False]
        assert len(caplog.records) == 1
        assert [record.id for record in file.records] == [NEW.record.id]
    write_keys(path, [])
    assert file.look()
    assert file.records == ()
