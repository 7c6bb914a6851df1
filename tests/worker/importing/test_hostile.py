"""Hostile archives, each through the whole importer: what keeps it out is said, and nothing else happens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.import_vocabulary import ProblemCode
from tests.worker.importing.hostile import GOOD, TRAPS
from worker.importing.events import DryRun, Rejected, parse_event

MOST_MEMORY = 500  # MiB

# The importer in a process of its own for each archive, forked from one that has everything imported already.
EACH = """
import os, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from worker.importing.program import main

for folder in sys.argv[1:]:
    pid = os.fork()
    if not pid:
        os.dup2(os.open(f"{folder}/events", os.O_CREAT | os.O_WRONLY), 1)
        sys.argv = ["", "--source", f"{folder}/in/data", "--out", f"{folder}/in/out", "--name", "set", "--dry-run"]
        os._exit(main())
    _, status, usage = os.wait4(pid, 0)
    with open(f"{folder}/end", "w") as end:
        print(os.waitstatus_to_exitcode(status), usage.ru_maxrss // 1024, file=end)
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each trap: `events`, `end` (exit status, MiB), and the importer's own folders in `in`."""
    folders = {}
    for name, trap in TRAPS.items():
        folder = folders[name] = tmp_path_factory.mktemp("trap")
        (folder / "in").mkdir()
        (folder / "in" / "data").write_bytes(trap.build())
    subprocess.run([sys.executable, "-c", EACH, *map(str, folders.values())], check=True, timeout=300)
    return folders


@pytest.mark.parametrize("name", TRAPS)
def test_a_hostile_archive_is_kept_out(tried: dict[str, Path], name: str) -> None:
    folder, says = tried[name], TRAPS[name].says
    status, memory = map(int, (folder / "end").read_text().split())
    events = [parse_event(line) for line in (folder / "events").read_bytes().splitlines()]
    problems = [json.loads(line) for line in (folder / "in" / "out" / "problems.jsonl").read_bytes().splitlines()]
    report = json.loads((folder / "in" / "out" / "report.json").read_bytes())
    if isinstance(says, ProblemCode):
        assert (events[-1], status) == (DryRun(), 0)
        assert [problem["code"] for problem in problems] == [says]
        assert report["train"] + report["test"] == len(GOOD)
    else:
        assert isinstance(events[-1], Rejected)
        assert status == 3
        assert says in events[-1].detail
        assert report["rejected"] == events[-1].detail
    assert memory < MOST_MEMORY
    assert {path.name for path in folder.iterdir()} == {"in", "events", "end"}
    assert {path.name for path in (folder / "in").rglob("*")} == {"data", "out", "report.json", "problems.jsonl"}
