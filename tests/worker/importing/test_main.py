"""The importer as a program: what it tells, what it writes, how it ends."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.dataset_arrays import open_dataset
from core.import_report import ImportReport
from core.startup import PYTHON
from tests.worker.importing.archives import encoded, png, put, zipped
from worker.importing.events import DryRun, Event, Failed, Imported, Reading, Rejected, parse_event

PICTURES = {f"{label}/{k}.png": png(100 * ord(label) + k) for label in "ab" for k in range(20)}


def run(folder: Path, source: Path, *arguments: str, code: int = 0) -> list[Event]:
    """What an import told. Its output folder is `out`."""
    command = [*PYTHON, "-m", "worker.importing", "--source", str(source), "--out", str(folder / "out")]
    done = subprocess.run([*command, "--name", "set", *arguments], capture_output=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    return [parse_event(line) for line in done.stdout.splitlines()]


def report(folder: Path) -> ImportReport:
    return ImportReport.model_validate_json((folder / "out" / "report.json").read_bytes())


def test_an_import_tells_its_phases_and_leaves_a_data_set_and_a_report(tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text('{"size": 32}')
    source = put(tmp_path, zipped({**PICTURES, "notes.txt": b"text"}))
    *readings, last = run(tmp_path, source, "--options", str(options), "--file-name", "my set.zip")
    assert [one.phase for one in readings if isinstance(one, Reading)] == [
        "checking",
        "reading",
        "comparing",
        "writing",
    ]
    dataset = open_dataset(tmp_path / "out" / "dataset")
    assert last == Imported(dataset_id=dataset.card.dataset_id)
    assert dataset.images.shape == (40, 32, 32, 1)
    assert dataset.card.class_names == ["a", "b"]
    told = report(tmp_path)
    assert (told.source.name, told.source.format, told.source.bytes) == ("my set.zip", "zip", source.stat().st_size)
    (problem,) = [
        json.loads(line) for line in (tmp_path / "out" / "problems.jsonl").read_text().splitlines() if "junk" in line
    ]
    assert problem["file"] == "notes.txt"


def test_a_dry_run_leaves_the_report_alone(tmp_path: Path) -> None:
    assert run(tmp_path, put(tmp_path, zipped(PICTURES)), "--dry-run")[-1] == DryRun()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["problems.jsonl", "report.json"]
    assert report(tmp_path).train + report(tmp_path).test == 40


@pytest.mark.parametrize("data", [b"<html>404</html>", zipped({"a.png": png()}), zipped({})])
def test_what_is_rejected_leaves_a_report_that_says_why(tmp_path: Path, data: bytes) -> None:
    last = run(tmp_path, put(tmp_path, data), code=3)[-1]
    assert isinstance(last, Rejected)
    assert report(tmp_path).rejected == last.detail
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["problems.jsonl", "report.json"]


def test_a_source_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path / "nowhere", code=1)[-1] == Failed(
        kind="io-error", detail=f"[Errno 2] No such file or directory: '{tmp_path / 'nowhere'}'"
    )


def test_a_full_disk_is_a_failure_that_says_so(tmp_path: Path) -> None:
    source = put(tmp_path, zipped(PICTURES))
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--name", "set"]
    command = shlex.join([*PYTHON, "-m", "worker.importing", *arguments])
    done = subprocess.run(["sh", "-c", f"ulimit -f 8; exec {command}"], capture_output=True, check=False, timeout=60)
    last = parse_event(done.stdout.splitlines()[-1])
    assert isinstance(last, Failed)
    assert (last.kind, done.returncode) == ("disk-full", 1)
    assert not (tmp_path / "out" / "dataset").exists()


@pytest.mark.parametrize(
    ("options", "name", "words"),
    [
        ('{"size": 33}', "set", "size = 33: the networks cannot draw 33 pixels; allowed: 16"),
        ('{"colour": 1}', "set", "colour = 1: unknown field; allowed: size, channels"),
        ("{", "set", "EOF while parsing"),
        ("{}", "../set", "input = '../set': a data set's name"),
    ],
)
def test_wrong_options_are_a_line_each(tmp_path: Path, options: str, name: str, words: str) -> None:
    file = put(tmp_path, options.encode())
    command = [*PYTHON, "-m", "worker.importing", "--source", "x", "--out", str(tmp_path / "out"), "--name", name]
    done = subprocess.run([*command, "--options", str(file)], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: ")
    assert words in line


TRIED = """
import os, socket, subprocess, sys, threading
from pathlib import Path
from worker.importing.confine import confine

source, allowed, refused = map(Path, sys.argv[1:])
confine(source, allowed, print)
for name, attempt in {
    "socket": socket.socket,
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "program": lambda: subprocess.run(["true"]),
    "chmod": lambda: (refused / "old").chmod(0o777),
    "kill": lambda: os.kill(os.getppid(), 0),
    "memory": lambda: bytearray(4 * 2**30),
    "write elsewhere": lambda: (refused / "new").write_bytes(b""),
    "remove elsewhere": lambda: (refused / "old").unlink(),
    "write": lambda: (allowed / "new").write_bytes(b""),
    "rename": lambda: (allowed / "new").rename(allowed / "newer"),
    "read": source.read_bytes,
    "import": lambda: __import__("colorsys"),
    "read elsewhere": lambda: (refused / "old").read_bytes(),
    "read a secret": lambda: Path("/etc/hostname").read_bytes(),
    "many files": lambda: [os.open(os.devnull, os.O_RDONLY) for _ in range(3000)],
}.items():
    try:
        attempt()
    except (OSError, MemoryError) as error:
        print(name, "refused")
    else:
        print(name, "done")
"""


def test_a_confined_process_has_no_network_no_programs_and_one_folder(tmp_path: Path) -> None:
    allowed, elsewhere = tmp_path / "allowed", tmp_path / "elsewhere"
    for folder in (allowed, elsewhere):
        folder.mkdir()
    (elsewhere / "old").write_bytes(b"old")
    command = [sys.executable, "-c", TRIED, str(put(tmp_path, b"source")), str(allowed), str(elsewhere)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True)
    lines = done.stdout.splitlines()
    cannot = [line for line in lines if line.startswith("the kernel cannot")]
    expected = [f"{name} refused" for name in ("memory", "many files")]
    expected += [f"{name} done" for name in ("write", "rename", "read", "import")]
    if not any("seccomp" in line for line in cannot):
        expected += [f"{name} refused" for name in ("socket", "fork", "exec", "program", "chmod", "kill")]
    if not any("Landlock" in line for line in cannot):
        names = ("write elsewhere", "remove elsewhere", "read elsewhere", "read a secret")
        expected += [f"{name} refused" for name in names]
    assert set(expected) <= set(lines), lines


IN_A_SECOND = """
import runpy
import worker.importing.confine as confine

confine.CPU_S = 1
runpy.run_module("worker.importing", run_name="__main__", alter_sys=True)
"""


def test_an_import_out_of_time_is_rejected_with_a_report(tmp_path: Path) -> None:
    slow = encoded(Image.new("RGBA", (3900, 3900), (1, 2, 3, 4)), "PNG")
    source = put(tmp_path, zipped({f"{k}.png": slow for k in range(40)}))
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--name", "set"]
    command = [sys.executable, "-c", IN_A_SECOND, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 3, done.stderr.decode()
    last = parse_event(done.stdout.splitlines()[-1])
    assert isinstance(last, Rejected)
    assert last.detail == "takes more than 1 s of a processor; allowed: fewer or smaller images"
    assert report(tmp_path).rejected == last.detail
