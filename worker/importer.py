"""One importer process."""

import os
from pathlib import Path

from worker.importing.events import Event, parse_event
from worker.program import Program

# All that an importer is told of its surroundings: no setting, and so no password of Redis, is known in a process that
# decodes what came from outside.
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class ImporterProcess(Program[Event]):
    """`python -m worker.importing`. It is killed, never stopped: it has nothing to save before it is done."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        super().__init__("worker.importing", parse_event, arguments, log, grace_s=0, environment=environment)
