"""Runs all parts of the check, each as a process of its own, and writes `gpu-check.json` and `gpu-check.md`.

A part that fails, crashes or hangs costs itself alone. Exit status: 0 when every part ran and, in a rehearsal, when
every claim that needs no GPU holds; else 1.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from bench.gpu.findings import Findings, parse

SECONDS = 480
REHEARSAL_PATIENCE = 3  # times what a GPU takes
RAN = "ran to its end"
GRACE_S = 15.0  # for a part that clears up after its time is over
PARTS = {  # name -> seconds that it may take
    "correctness": 100,
    "speed": 70,
    "profile": 40,
    "drawing": 30,
    "whole_runs": 150,
    "service": 80,
    "sharing": 120,
}


def main() -> int:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="scripts/gpu-check", description="What the CUDA path does on this card.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which of {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--out", type=Path, default=Path("var/gpu-check"), help="folder to write to; default: %(default)s"
    )
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with tiny sizes; its figures mean nothing")
    parser.add_argument("--seconds", type=float, help="end after this long; default: 480, and 1440 for a rehearsal")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.parts if name not in PARTS]
    if unknown:
        parser.error(f"argument PART: allowed: {', '.join(PARTS)}, not {unknown[0]!r}")
    if not arguments.rehearse and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; --rehearse runs it on the CPU")

    patience = REHEARSAL_PATIENCE if arguments.rehearse else 1
    seconds = arguments.seconds or patience * SECONDS
    begun = time.monotonic()
    report: dict[str, Any] = {"machine": machine(arguments.rehearse), "parts": {}}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.parts or PARTS:
        left_s = seconds - (time.monotonic() - begun)
        report["parts"][name] = part = run(name, min(patience * PARTS[name], left_s), arguments.rehearse)
        print(f"{name}: {part['ended']}, {part['seconds']:.0f} s", flush=True)
        (arguments.out / "gpu-check.json").write_text(json.dumps(report, indent=2) + "\n")
        (arguments.out / "gpu-check.md").write_text(markdown(report))
    print(markdown(report))
    failed = [name for name, part in report["parts"].items() if part["ended"] != RAN]
    return 1 if failed else 0


def machine(rehearse: bool) -> dict[str, str]:
    """What it ran on."""
    card = "none: a rehearsal on the CPU" if rehearse else torch.cuda.get_device_name(0)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "card": card,
        "driver": "-" if rehearse else _driver(),
        "cores": str(os.cpu_count()),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def run(name: str, seconds: float, rehearse: bool) -> dict[str, Any]:
    """Run one part: how it ended, how long it took, what it found."""
    if seconds <= 0:
        return {"ended": "not begun: the time was over", "seconds": 0.0, "findings": Findings().model_dump()}
    limit = ["--seconds", str(max(1, int(seconds)))]
    command = [sys.executable, "-m", f"bench.gpu.{name}", *limit, *(["--rehearse"] if rehearse else [])]
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False)
    except subprocess.TimeoutExpired:
        printed, ended = "", f"hung, and was ended after {seconds + GRACE_S:.0f} s"
    else:
        last = done.stderr.strip().splitlines()[-1:]
        printed = done.stdout
        ended = f"exit status {done.returncode}: {' '.join(last)}" if done.returncode else RAN
        sys.stderr.write(done.stderr)
    return {"ended": ended, "seconds": time.monotonic() - start, "findings": parse(printed).model_dump()}


def markdown(report: dict[str, Any]) -> str:
    """The report for a reader: claims first, then a table each."""
    lines = ["# scripts/gpu-check", "", ", ".join(f"{key} {value}" for key, value in report["machine"].items()), ""]
    lines += ["| part | claim | holds | found |", "|---|---|---|---|"]
    for name, part in report["parts"].items():
        for claim in part["findings"]["claims"]:
            found = claim["found"].replace("|", "/").replace("\n", " ")
            lines.append(f"| {name} | {claim['name']} | {'yes' if claim['holds'] else '**no**'} | {found} |")
        if part["ended"] != RAN:
            lines.append(f"| {name} | the part itself | **no** | {part['ended']} |")
    for part in report["parts"].values():
        for table in part["findings"]["tables"]:
            lines += ["", f"## {table['title']}", "", _row(table["columns"]), _row(["---"] * len(table["columns"]))]
            lines += [_row(row) for row in table["rows"]]
    return "\n".join(lines) + "\n"


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
