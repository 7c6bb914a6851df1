"""From the images of a source to a data set: choose, fit, compare, split, report, write."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from math import prod
from typing import Any

import numpy as np

from core.image_shape import ImageShape
from core.import_limits import MOST_CANONICAL_BYTES
from core.import_report import DatasetClass, DatasetWarning, ImportReport, SizeCount
from core.import_vocabulary import DatasetWarningKind, ImportPhase, ProblemCode
from worker.importing.arrivals import Arrivals, collect
from worker.importing.canonical import dataset_id, write_dataset
from worker.importing.choice import choose, choose_side, squares
from worker.importing.classes import classes_of
from worker.importing.events import Reading
from worker.importing.looks import warnings_of
from worker.importing.made import Made, finish
from worker.importing.problems import Problems
from worker.importing.propose import propose
from worker.importing.raw import Source, SourceRejected
from worker.importing.selection import Selection, select
from worker.importing.sources.array_source import ArraySource
from worker.importing.spool import Spool
from worker.importing.task import DATASET, PROBLEMS, REPORT, Task

SIZES_LISTED = 20
COMMON_SIZE = 0.9  # of the images have one size, where the others are odd


def assemble(task: Task, source: Source) -> str:
    """Make a data set of a source. Returns its id, also for a dry run, which writes no data set.

    Writes the report and the problems in any case. Raises SourceRejected, and OSError, such as for a full disk.
    """
    known: dict[str, Any] = {"source": task.about, "options": task.options}
    with ExitStack() as open_files:
        problems = open_files.enter_context(Problems(task.out / PROBLEMS))
        try:
            made, selection = _make(task, source, problems, known, open_files)
        except SourceRejected as error:
            _write_report(task, ImportReport(**known, problems=dict(problems.by_code), rejected=str(error)))
            raise
        problems.close()
        report = ImportReport(**known, problems=dict(problems.by_code))
        _write_report(task, report)
        if task.dry_run:
            return dataset_id(made, selection)
        count = len(selection.train) + len(selection.test)
        tell = _teller(task, ImportPhase.WRITING, problems, lambda: count)
        return write_dataset(task.out / DATASET, task.name, report, made, selection, task.out / PROBLEMS, tell)


def _write_report(task: Task, report: ImportReport) -> None:
    (task.out / REPORT).write_text(report.model_dump_json(indent=2), encoding="utf-8")


def _make(
    task: Task, source: Source, problems: Problems, known: dict[str, Any], open_files: ExitStack
) -> tuple[Made, Selection]:
    """Everything but writing the data set. `known` gets what the report says, as soon as it is known."""
    options = task.options
    spool = Spool(task.out, options.fit, lambda spool: choose_side(spool, options, _made_for(source)))
    open_files.callback(spool.close)
    known["notes"] = source.notes
    came = collect(source, spool, problems, _teller(task, ImportPhase.READING, problems, lambda: source.total))
    known["modes"] = dict(came.modes.most_common())
    if not len(came):
        raise SourceRejected("there is no image in it; allowed: pictures in folders, or arrays of pixels")
    side, made_for = spool.settle(), _made_for(source)
    side_of_squares = squares(spool, options.fit)
    known["sizes"] = _sizes(spool, side, side_of_squares, came, problems)
    choice = choose(spool, options, made_for)
    known["image_shape"] = choice.shape
    _check_bytes(len(came), choice.shape)
    classes = classes_of(came.labels, options.labels)
    known["notes"] = [*source.notes, *choice.notes, *classes.notes]

    made = Made(task.out, choice.shape)
    open_files.callback(made.close)
    tell = _teller(task, ImportPhase.COMPARING, problems, lambda: len(came))
    finish(spool.chunks(), made, choice.background, options.invert, options.transpose, tell)
    spool.close()
    selection = select(came, classes, made, options.split, made_for is not None, problems)
    known["train"], known["test"] = len(selection.train), len(selection.test)
    of_classes = _classes(selection)
    known["classes"] = of_classes or None
    known["warnings"] = [
        *_of_source(source, options.transpose),
        *warnings_of(choice, options, selection, of_classes, side_of_squares, made),
    ]
    known["proposal"] = propose(choice.shape, len(selection.train), len(of_classes))
    return made, selection


def _made_for(source: Source) -> ImageShape | None:
    """Known once the source is read."""
    return source.made_for if isinstance(source, ArraySource) else None


def _of_source(source: Source, is_transposed: bool) -> list[DatasetWarning]:
    warnings = source.warnings if isinstance(source, ArraySource) else []
    return [one for one in warnings if not (is_transposed and one.kind == DatasetWarningKind.TRANSPOSED)]


def _check_bytes(images: int, shape: ImageShape) -> None:
    if images * prod(shape.array) > MOST_CANONICAL_BYTES:
        allowed = MOST_CANONICAL_BYTES // prod(shape.array)
        raise SourceRejected(
            f"{images} images of {shape}; allowed: {allowed}, which is {MOST_CANONICAL_BYTES >> 20} MiB. "
            "Upload fewer, or ask for a smaller `size`"
        )


def _teller(
    task: Task, phase: ImportPhase, problems: Problems, total: Callable[[], int | None]
) -> Callable[[int], None]:
    def tell(done: int) -> None:
        task.tell(Reading(phase=phase, done=done, total=total(), problems=problems.total))

    tell(0)
    return tell


def _sizes(spool: Spool, side: int, side_of_squares: np.ndarray, came: Arrivals, problems: Problems) -> list[SizeCount]:
    """The sizes that came, the most frequent first, and a problem for each image that is not as it should be."""
    counts = Counter(zip(spool.widths, spool.heights, strict=True))
    (common, of_common), *_ = counts.most_common(1)
    one_size = COMMON_SIZE * len(spool) <= of_common < len(spool)
    for k, size in enumerate(zip(spool.widths, spool.heights, strict=True)):
        width, height = size
        if width != height:
            problems.note(came.files[k], ProblemCode.NOT_SQUARE, f"is {width}x{height}", "repaired")
        if one_size and size != common:
            detail = f"is {width}x{height}; nearly all others are {common[0]}x{common[1]}"
            problems.note(came.files[k], ProblemCode.ODD_SIZE, detail, "kept")
        if side_of_squares[k] < side:
            detail = f"is {width}x{height} and was enlarged to {side}x{side}"
            problems.note(came.files[k], ProblemCode.UPSCALED, detail, "kept")
    return [SizeCount(width=w, height=h, images=n) for (w, h), n in counts.most_common(SIZES_LISTED)]


def _classes(selection: Selection) -> list[DatasetClass]:
    classes = selection.classes
    train, test = (
        np.bincount(classes.numbers[places], minlength=len(classes.names)).tolist() if classes.names else []
        for places in (selection.train, selection.test)
    )
    return [DatasetClass(name=name, train=train[k], test=test[k]) for k, name in enumerate(classes.names)]
