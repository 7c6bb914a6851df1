"""The checkpoints of a run by their scores: which one is its model, and whether more epochs still help."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.card import read_card
from core.errors import CheckpointError
from core.run_dir import RunDir


def best_checkpoint(run_dir: RunDir, epochs: int) -> Path:
    """Of the first so many epochs the checkpoint with the best scores, the earlier of equals; unscored the last."""
    _, best = min(_scored(run_dir, epochs), default=(0.0, epochs))
    return run_dir.checkpoint(best)


def patience_is_over(run_dir: RunDir, epochs: int, patience: int) -> bool:
    """Whether of the first so many epochs the best one is `patience` or more before the last that was scored.

    So epochs that were not scored do not count against it. A patience of 0 has no end.
    """
    if patience == 0:
        return False
    scored = list(_scored(run_dir, epochs))
    return bool(scored) and scored[-1][1] - min(scored)[1] >= patience


def _scored(run_dir: RunDir, epochs: int) -> Iterator[tuple[float, int]]:
    """The score, lower is better, and number of each scored epoch, in order."""
    for epoch in range(1, epochs + 1):
        with suppress(CheckpointError):  # one that cannot be read costs itself, and not the run
            scores = read_card(run_dir.checkpoint(epoch)).scores
            if scores is not None:
                yield scores.compared, epoch
