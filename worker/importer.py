"""One importer process."""

from pathlib import Path

from worker.importing.events import Event, parse_event
from worker.program import Program


class ImporterProcess(Program[Event]):
    """`python -m worker.importing`. It is killed, never stopped: it has nothing to save before it is done."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        super().__init__("worker.importing", parse_event, arguments, log, grace_s=0)
