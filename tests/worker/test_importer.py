"""An importer process: what it is told of its surroundings."""

from pathlib import Path

import pytest

from tests.uploaded import archive
from worker.importer import ImporterProcess
from worker.importing.events import Imported


def test_an_importer_knows_no_setting_and_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITFORGE_REDIS_URL", "redis://:secret@127.0.0.1:6379/0")
    source = tmp_path / "source"
    source.write_bytes(archive())
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--name", "own"]
    with ImporterProcess(arguments, tmp_path / "log") as importer:
        events = importer.events(tick_s=60)
        next(events)  # it runs by now
        environment = Path(f"/proc/{importer.pid}/environ").read_bytes()
        *_, last = events
    assert isinstance(last, Imported)
    assert b"secret" not in environment
    assert b"DIGITFORGE" not in environment
