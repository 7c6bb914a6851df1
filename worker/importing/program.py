"""The importer: its command line, what it tells, how it ends.

Exit status: 0 done, 1 failed, 2 wrong arguments, 3 rejected because of what the file is.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.child import die_with_parent
from core.datasets import DatasetName
from core.files import is_disk_full, sha256_of
from core.import_kinds import HEAD_BYTES, sniff
from core.import_options import ImportOptions
from core.import_report import ImportReport, Source
from core.import_vocabulary import ImportPhase
from core.validation import explain
from core.vocabulary import FailureKind
from worker.importing.assemble import assemble
from worker.importing.confine import CPU_S, OutOfTime, confine
from worker.importing.events import DryRun, Event, Failed, Imported, Reading, Rejected
from worker.importing.opening import open_source
from worker.importing.raw import SourceRejected
from worker.importing.task import PROBLEMS, REPORT, Task

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_REJECTED = 0, 1, 2, 3
TELL_EVERY_S = 0.5


def main() -> int:
    """Parse, lock this process in, import, and say how it ended by the exit status."""
    arguments = _parser().parse_args()
    if arguments.die_with is not None and not die_with_parent(arguments.die_with):
        sys.exit(f"the parent process {arguments.die_with} is gone")
    try:
        options = ImportOptions.model_validate_json(arguments.options.read_bytes() if arguments.options else b"{}")
        name = TypeAdapter(DatasetName).validate_python(arguments.name)
        arguments.out.mkdir(parents=True, exist_ok=True)
    except ValidationError as error:
        for details in error.errors():
            fault = explain(details, list(ImportOptions.model_fields))
            print(f"error: {fault.field} = {fault.value!r}: {fault.detail}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    confine(arguments.source, arguments.out, lambda words: print(words, file=sys.stderr, flush=True))
    try:
        event = _import(arguments, options, name)
    except OSError as error:
        kind = FailureKind.DISK_FULL if is_disk_full(error) else FailureKind.IO_ERROR
        event = Failed(kind=kind, detail=str(error))
    except MemoryError:
        event = Failed(kind=FailureKind.OUT_OF_MEMORY, detail="the import needs more memory than it may have")
    _tell(event)
    return {Failed: EXIT_FAILED, Rejected: EXIT_REJECTED}.get(type(event), EXIT_DONE)


def _import(arguments: argparse.Namespace, options: ImportOptions, name: str) -> Event:
    """Import, and return how it ended. The report is written in any case. Raises OSError and MemoryError."""
    path = arguments.source
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    about = Source(name=arguments.file_name, format=kind, bytes=path.stat().st_size, sha256=sha256_of(path))
    task = Task(about, options, name, arguments.out, arguments.dry_run, _Teller())
    task.tell(Reading(phase=ImportPhase.CHECKING, done=0))
    try:
        try:
            source = open_source(path, arguments.file_name or path.name, options, arguments.out)
        except SourceRejected as error:
            return _rejected(task, str(error))
        task = replace(task, about=about.model_copy(update={"format": source.format}))
        dataset_id = assemble(task, source)
    except SourceRejected as error:
        return Rejected(detail=str(error))
    except OutOfTime:
        return _rejected(task, f"takes more than {CPU_S:,} s of a processor; allowed: fewer or smaller images")
    return DryRun() if task.dry_run else Imported(dataset_id=dataset_id)


def _rejected(task: Task, why: str) -> Rejected:
    report = ImportReport(source=task.about, options=task.options, rejected=why)
    (task.out / REPORT).write_text(report.model_dump_json(indent=2), encoding="utf-8")
    (task.out / PROBLEMS).touch()
    return Rejected(detail=why)


class _Teller:
    """Tells where the import is, now and then."""

    def __init__(self) -> None:
        self._phase: ImportPhase | None = None
        self._at = 0.0

    def __call__(self, reading: Reading) -> None:
        now = time.monotonic()
        if reading.phase != self._phase or now >= self._at + TELL_EVERY_S:
            self._phase, self._at = reading.phase, now
            _tell(reading)


def _tell(event: Event) -> None:
    print(event.model_dump_json(ensure_ascii=True), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker.importing", description="Make a data set of images.")
    parser.add_argument("--source", type=Path, required=True, metavar="FILE", help="a zip, a tar or an array of images")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where report and data set go")
    parser.add_argument(
        "--options", type=Path, metavar="FILE", help="the options as JSON; default: chosen by what came"
    )
    parser.add_argument("--name", required=True, help="of the data set")
    parser.add_argument("--file-name", metavar="NAME", help="of the file where it came from, for the report")
    parser.add_argument("--dry-run", action="store_true", help="write the report only")
    parser.add_argument("--die-with", type=int, metavar="PID", help="end when this parent process ends")
    return parser
