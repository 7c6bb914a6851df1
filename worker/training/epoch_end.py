"""The end of an epoch: a sample grid, scores, a checkpoint, a state to resume from, and what looks wrong."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from core.card import TrainingRecord
from core.crash import crash_point
from core.files import remove_folder, write_file
from core.scores import ScoreSheet
from core.version import VERSION
from models.checkpoint import save_checkpoint
from models.dcgan import Generator
from models.grid import tile, to_png
from models.sampling import draw
from worker.training import health
from worker.training.events import EpochDone, Warned
from worker.training.gan import Gan
from worker.training.process import device_name, versions
from worker.training.saving import Saver
from worker.training.state import Position
from worker.training.task import Callbacks, Task

SAMPLE_IMAGES = 64
SAMPLE_COLUMNS = 8
SCORE_EVERY = 50_000  # real images


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
        self._drawn: Tensor | None = None  # uint8 [SAMPLE_IMAGES, H, W, C], the newest sample

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

        # Draw the same latents as an epoch ago, and score the pixels that would be served.
        gan.finish_average()
        drawn_before, drawn = self._drawn, self._sample(epoch, at.step)
        scores = self._score(at.step)

        # Save what can be served, then what can be gone on from.
        checkpoint = run_dir.checkpoint(epoch)
        record = TrainingRecord(
            recipe=task.recipe,
            image_shape=task.dataset.shape,
            dataset_sha256=task.dataset.sha256,
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

        # Say what looks wrong.
        if kimg >= health.MATURE_KIMG:
            real = task.dataset.images[:SAMPLE_IMAGES]
            for finding in health.diagnose(health.Snapshot(means, drawn, drawn_before, real, rate, scores)):
                self._callbacks.report(Warned(step=at.step, **finding._asdict()))

    def _sample(self, epoch: int, step: int) -> Tensor:
        self._drawn = _draw_sample(self._gan.G_ema, self._task.recipe.seed)
        path = self._task.run_dir.sample(epoch)
        self._saver.save(f"the sample of epoch {epoch}", step, _save_sample, path, self._drawn)
        return self._drawn

    def _score(self, step: int) -> ScoreSheet | None:
        """Scores of an epoch that passes a multiple of `SCORE_EVERY` images, and of the last."""
        score, images_per_step = self._callbacks.score, self._task.recipe.images_per_step
        shown, before = step * images_per_step, (step - self._task.steps_per_epoch) * images_per_step
        due = shown // SCORE_EVERY > before // SCORE_EVERY or step == self._task.total_steps
        return score(self._gan.G_ema) if score is not None and due else None


def _draw_sample(G_ema: Generator, seed: int) -> Tensor:
    """The pixels that the API would serve, uint8 [SAMPLE_IMAGES, H, W, C]: drawn by the CPU, wherever G trains."""
    on_gpu = next(G_ema.parameters()).is_cuda
    return torch.from_numpy(draw(deepcopy(G_ema).cpu() if on_gpu else G_ema, seed, 0, SAMPLE_IMAGES))


def _save_sample(path: Path, drawn: Tensor) -> None:
    path.parent.mkdir(exist_ok=True)
    write_file(path, to_png(tile(drawn.numpy(), SAMPLE_COLUMNS, pad=2, scale=1)))


def _save_checkpoint(folder: Path, gan: Gan, record: TrainingRecord) -> None:
    remove_folder(folder, label="checkpoint")  # left by a run that ended before its state was saved
    save_checkpoint(folder, gan.G_ema, gan.D, record)
