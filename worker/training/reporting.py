"""Who watches a run from the outside: a progress bar for a person, JSON lines and a log for a program."""

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Never

from tqdm import tqdm

from core.scores import ScoreSheet
from worker.training.events import EpochDone, Event, Failed, Finished, Judging, Progress, Started, Stopped, Warned
from worker.training.streams import heard


def reporter(when_unread: Callable[[], object]) -> Callable[[Event], None]:
    """A progress bar where standard output is a terminal; elsewhere JSON lines, and a log on standard error.

    `when_unread` is called where nobody reads the bar, or the JSON lines, any more.
    """
    tell, *others = [_Bar()] if sys.stdout.isatty() else [_print_json, _log]

    def report(event: Event) -> None:
        if not heard(tell, event):
            heard(print, "nobody reads the output any more: the run saves and stops", file=sys.stderr)
            when_unread()
        for other in others:
            heard(other, event)

    return report


def in_words(event: Event) -> str:
    """An event as a line or two for a person; nothing for mere progress."""
    match event:
        case Judging(accuracy=None):
            return f"training the judge of the data set: epoch {event.epoch} of {event.epochs}, loss {event.loss:.3f}"
        case Judging():
            return f"judge {event.judge} reads {event.accuracy:.2%} of the test images"
        case Started(step=0):
            return f"training on {event.device}: G {event.parameters_g:,} and D {event.parameters_d:,} parameters"
        case Started():
            return f"going on after step {event.step} of {event.total_steps}, on {event.device}"
        case EpochDone():
            line = (
                f"epoch {event.epoch}: loss_d {event.loss_d:.3f}  loss_g {event.loss_g:.3f}  "
                f"D(x) {event.d_real:.2f}  D(G(z)) {event.d_fake:.2f}  {event.images_per_s:.0f} images/s  "
                f"{event.sample}"
            )
            return line if event.scores is None else f"{line}\n{_scores(event.scores)}"
        case Warned():
            return f"warning: {event.kind}: {event.detail}; {event.hint}"
        case Finished():
            return f"finished: {event.checkpoint}"
        case Stopped():
            return f"stopped after step {event.step}; the same command goes on from there"
        case Failed():
            return f"failed: {event.kind}: {event.detail}"
        case Progress():
            return ""


def _print_json(event: Event) -> None:
    print(event.model_dump_json(ensure_ascii=True), flush=True)


def _log(event: Event) -> None:
    if words := in_words(event):
        with suppress(OSError):  # a disk that is full for the log is not the end of the run
            print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {words}", file=sys.stderr, flush=True)


class _Bar:
    def __init__(self) -> None:
        self._bar: tqdm[Never] | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._close()  # of the run that went back
                print(in_words(event))
                self._bar = tqdm(total=event.total_steps, initial=event.step, unit="step", dynamic_ncols=True)
            case Progress():
                self._show(event)
            case EpochDone():
                self._show(event)
                tqdm.write(in_words(event))
            case Warned() | Judging():
                tqdm.write(in_words(event))
            case Finished() | Stopped() | Failed():
                self._close()
                print(in_words(event))

    def _show(self, event: Progress | EpochDone) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(
                f"epoch {event.epoch}, {event.images_per_s:.0f} images/s, D(x) {event.d_real:.2f}, "
                f"D(G(z)) {event.d_fake:.2f}"
            )
            self._bar.update(event.step - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _scores(scores: ScoreSheet) -> str:
    parts = [
        f"frechet {scores.frechet:.2f} ({scores.frechet_over_floor:.1f} times its floor)",
        *([f"kid {scores.kid:.4f} ± {scores.kid_error or 0:.4f}"] if scores.kid is not None else []),
        f"coverage {scores.coverage:.3f}",
        f"density {scores.density:.3f}",
        *([f"class_score {scores.class_score:.2f}"] if scores.class_score is not None else []),
        *([f"smallest class {scores.smallest_class:.1%}"] if scores.smallest_class is not None else []),
        *([f"memorised {scores.memorised:.1%}"] if scores.memorised is not None else []),
    ]
    return "  " + "  ".join(parts)
