"""What a part of the check has found: tables of figures, and claims that hold or do not."""

import argparse
import json
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from pydantic import BaseModel

WARM_UP_STEPS = 6


class Table(BaseModel):
    """Figures, a row each."""

    title: str
    columns: list[str]
    rows: list[list[Any]] = []


class Claim(BaseModel):
    """Something that should hold on a GPU, or an aim to reach."""

    name: str
    holds: bool
    found: str


class Findings(BaseModel):
    """All that one part has found."""

    tables: list[Table] = []
    claims: list[Claim] = []

    def table(self, title: str, *columns: str) -> Table:
        """Begin a table."""
        self.tables.append(Table(title=title, columns=list(columns)))
        return self.tables[-1]

    def claim(self, name: str, holds: bool, found: str) -> None:
        """Note whether something holds."""
        self.claims.append(Claim(name=name, holds=holds, found=found))


def run_part(work: Callable[[Findings, torch.device, bool], None]) -> None:
    """A part's program. `work(findings, device, rehearse)` is told the GPU, or for a rehearsal the CPU.

    What was found before an error, or before the time was over, is printed too.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--seconds", type=int, default=600, help="end after this long")
    arguments = parser.parse_args()
    findings = Findings()
    signal.signal(signal.SIGALRM, partial(_stop_late, arguments.seconds))
    signal.alarm(arguments.seconds)
    try:
        device = torch.device("cpu")
        if not arguments.rehearse:
            torch.cuda.init()  # type: ignore[no-untyped-call]
            device = torch.device("cuda:0")
        work(findings, device, arguments.rehearse)
    finally:
        signal.alarm(0)
        print(findings.model_dump_json(), flush=True)


def _stop_late(seconds: int, *_: object) -> None:
    raise TimeoutError(f"not done after {seconds} s")


def wait_for(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def steps_per_second(step: Callable[[], None], device: torch.device, seconds: float) -> float:
    """How often a second `step` can be done, over about so many seconds; for 0 seconds it is done twice."""
    for _ in range(WARM_UP_STEPS if seconds else 1):
        step()
    wait_for(device)
    done, start = 0, time.perf_counter()
    while not done or time.perf_counter() - start < seconds:
        for _ in range(5 if seconds else 1):
            step()
            done += 1
        wait_for(device)
    return done / (time.perf_counter() - start)


def parse(printed: str) -> Findings:
    """What a part printed, in the last line that is JSON; nothing where there is none."""
    for line in reversed(printed.splitlines()):
        try:
            return Findings.model_validate(json.loads(line))
        except ValueError:
            continue
    return Findings()
