"""Damaged files of every kind, for as long as `FUZZ_S` says: nothing but the typed errors, and an end to each."""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from core.import_options import ImportOptions
from core.import_report import Source
from tests.worker.importing.archives import zipped
from tests.worker.importing.mutations import FILES, PICTURES, mutated
from worker.importing.assemble import assemble
from worker.importing.opening import open_source
from worker.importing.raw import SourceRejected
from worker.importing.task import Task

FUZZ_S = float(os.environ.get("FUZZ_S", "2"))  # `make fuzz` sets a minute
FIRST_CASE = int(os.environ.get("FUZZ_FIRST", "0"))  # to try a case again
HANGS_AFTER_S = 60


class Hang(BaseException):
    """An import that does not end."""


@contextmanager
def ended() -> Iterator[None]:
    """Raise Hang in a block that does not end."""

    def hang(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def carry_out(path: Path, out: Path) -> str:
    """How an import ends."""
    about = Source(format="unknown", bytes=path.stat().st_size, sha256="0" * 64)
    options = ImportOptions()
    try:
        source = open_source(path, path.name, options, out)
        assemble(Task(about, options, "set", out, True, lambda _: None), source)
    except SourceRejected:
        return "rejected"
    return "imported"


def test_damaged_files_end_in_typed_errors(tmp_path: Path) -> None:
    path, out, ends, until = tmp_path / "data", tmp_path / "out", Counter[str](), time.monotonic() + FUZZ_S
    for case in count(FIRST_CASE):
        kind, data = mutated(case)
        path.write_bytes(data)
        out.mkdir()
        try:
            with ended():
                ends[carry_out(path, out)] += 1
        except BaseException as error:
            pytest.fail(f"case {case}, {kind}: {error!r}; FUZZ_FIRST={case} tries it again", pytrace=True)
        shutil.rmtree(out)
        if time.monotonic() > until:
            break
    print(f"{case + 1 - FIRST_CASE} cases: {dict(ends)}")


@pytest.mark.parametrize("kind", [*PICTURES, *FILES])
def test_what_is_damaged_there_is_imported_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(FILES[kind] if kind in FILES else zipped(PICTURES[kind]))
    (tmp_path / "out").mkdir()
    assert carry_out(path, tmp_path / "out") == "imported"
