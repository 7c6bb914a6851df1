"""The end of an epoch: a sample grid, scores, a checkpoint, a state to resume from, and what looks wrong."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from core.card import TrainingRecord
from core.crash import crash_point
from core.files import remove_folder, write_file
from core.schema import SCHEMA
from core.version import VERSION
from models.checkpoint import save_checkpoint
from models.dcgan import Generator
from models.grid import tile, to_png
from models.sampling import draw
from worker.training import health
from worker.training.best import best_checkpoint
from worker.training.events import EpochDone, Warned
from worker.training.gan import Gan
from worker.training.process import device_name, versions
from worker.training.saving import Saver
from worker.training.scorer import Measured
from worker.training.state import Position
from worker.training.task import Callbacks, Task

T = TypeVar("T")

SAMPLE_IMAGES = 64
SAMPLE_COLUMNS = 8
PAIRS_COLUMNS = 8
LARGEST_DOUBLED = 32  # side of images whose pairs are shown at twice their size, in pixels


class EpochEnd:
    """What is done after the last step of each epoch of one run, and once before the first step."""

    def __init__(
        self,
        task: Task,
        callbacks: Callbacks,
        gan: Gan,
        saver: Saver,
        save_state: Callable[[Position], None],
        went_back_at: int | None,
    ) -> None:
        """`went_back_at` is the step at which the run went back, for the cards."""
        self._task, self._callbacks, self._gan, self._saver = task, callbacks, gan, saver
        self._save_state, self._went_back_at = save_state, went_back_at
        self._looked_at: tuple[int, Tensor] | None = None  # the step and the sample of the last diagnosis

    def sample_untrained(self) -> None:
        """Draw and save the sample of epoch 0."""
        self._gan.finish_average(refresh_batches=1)  # noise, and the first step waits for it
        self._sample(0, 0)

    def close(self, epoch: int, at: Position, means: dict[str, float], images_per_s: float, rate: float) -> None:
        """Close an epoch, from 1, whose last step is done and whose numbers are finite.

        `means` are those of its steps, `rate` is what is left of the learning rates, 0 to 1. Raises StoppedWhileFull.
        """
        task, gan, saver, run_dir = self._task, self._gan, self._saver, self._task.run_dir
        kimg = at.step * task.recipe.images_per_step / 1000

        # Draw the same latents as in every epoch, and score the pixels that would be served.
        gan.finish_average()
        drawn = self._sample(epoch, at.step)
        measured = self._score(at.step)
        scores = None if measured is None else measured.scores

        # Save what can be served, then what can be gone on from.
        checkpoint = run_dir.checkpoint(epoch)
        record = TrainingRecord(
            schema_number=SCHEMA,
            recipe=task.recipe,
            image_shape=task.dataset.shape,
            dataset_sha256=task.dataset.sha256,
            class_names=_listed(task.dataset.class_names),
            class_shares=_listed(task.dataset.class_shares),
            epoch=epoch,
            step=at.step,
            kimg=kimg,
            losses=means,
            scores=scores,
            rolled_back_at=self._went_back_at,
            bit_exact=at.bit_exact,
            device=device_name(task.device),
            made_by=VERSION,
            versions=versions(),
            command=task.command,
            created_at=datetime.now(UTC),
        )
        saver.save(f"the checkpoint of epoch {epoch}", at.step, _save_checkpoint, checkpoint, gan, record)
        if measured is not None and best_checkpoint(run_dir, epoch) == checkpoint:
            name = f"the closest pairs of epoch {epoch}"
            saver.save(name, at.step, _save_pairs, run_dir.closest_pairs, measured.closest_pairs)
        crash_point("epoch:between-checkpoint-and-state")
        self._save_state(at)
        self._callbacks.report(
            EpochDone(
                step=at.step,
                epoch=epoch,
                kimg=kimg,
                images_per_s=images_per_s,
                **means,
                sample=run_dir.relative(run_dir.sample(epoch)),
                checkpoint=run_dir.relative(checkpoint),
                scores=scores,
            )
        )

        # Say what looks wrong, as often as enough images were shown for something to change.
        due = self._passes_a_multiple(health.EVERY, at.step)
        if due:
            real, before = task.dataset.images[:SAMPLE_IMAGES], self._drawn_before(at.step)
            for finding in health.diagnose(health.Snapshot(means, drawn, before, real, rate, scores)):
                self._callbacks.report(Warned(step=at.step, **finding._asdict()))
        if due or self._looked_at is None:
            self._looked_at = at.step, drawn

    def _drawn_before(self, step: int) -> Tensor | None:
        """The sample of the last diagnosis, unless a resumed run has too few images behind it to compare."""
        if self._looked_at is None:
            return None
        looked_at, drawn = self._looked_at
        return drawn if (step - looked_at) * self._task.recipe.images_per_step >= health.EVERY // 2 else None

    def _sample(self, epoch: int, step: int) -> Tensor:
        drawn = _draw_sample(self._gan.G_ema, self._task.recipe.seed)
        path = self._task.run_dir.sample(epoch)
        self._saver.save(f"the sample of epoch {epoch}", step, _save_sample, path, drawn)
        return drawn

    def _score(self, step: int) -> Measured | None:
        """Scores of an epoch that passes a multiple of `score_every` images, and of the last."""
        score = self._callbacks.score
        due = self._passes_a_multiple(self._callbacks.score_every, step) or step == self._task.total_steps
        return score(self._gan.G_ema) if score is not None and due else None

    def _passes_a_multiple(self, images: int, step: int) -> bool:
        """Whether the epoch that ends with this step shows a real image whose number is a multiple of `images`."""
        task = self._task
        shown, before = (at * task.recipe.images_per_step for at in (step, step - task.steps_per_epoch))
        return shown // images > before // images


def _listed(values: tuple[T, ...] | None) -> list[T] | None:
    return None if values is None else list(values)


def _draw_sample(G_ema: Generator, seed: int) -> Tensor:
    """The pixels that the API would serve, uint8 [SAMPLE_IMAGES, H, W, C]: drawn by the CPU, wherever G trains."""
    on_gpu = next(G_ema.parameters()).is_cuda
    return torch.from_numpy(draw(deepcopy(G_ema).cpu() if on_gpu else G_ema, seed, 0, SAMPLE_IMAGES))


def _save_sample(path: Path, drawn: Tensor) -> None:
    path.parent.mkdir(exist_ok=True)
    write_file(path, to_png(tile(drawn.numpy(), SAMPLE_COLUMNS, pad=2, scale=1)))


def _save_pairs(path: Path, pairs: Tensor) -> None:
    write_file(
        path, to_png(tile(pairs.numpy(), PAIRS_COLUMNS, pad=2, scale=2 if pairs.shape[1] <= LARGEST_DOUBLED else 1))
    )


def _save_checkpoint(folder: Path, gan: Gan, record: TrainingRecord) -> None:
    remove_folder(folder, label="checkpoint")  # left by a run that ended before its state was saved
    save_checkpoint(folder, gan.G_ema, gan.D, record)
