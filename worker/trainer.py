"""One trainer process."""

import os
from pathlib import Path

from worker.program import Program
from worker.training.events import Event, parse_event

SPIN_COUNT = "1000"  # of GNU's OpenMP: how often a thread looks for work before it sleeps and leaves its core to others


class TrainerProcess(Program[Event]):
    """`python -m worker.training`."""

    def __init__(self, arguments: list[str], log: Path, grace_s: float) -> None:
        environment = {"GOMP_SPINCOUNT": SPIN_COUNT, **os.environ}
        super().__init__("worker.training", parse_event, arguments, log, grace_s, environment)
