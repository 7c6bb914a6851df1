"""The training loop. Recipe and data in, run directory out; who watches and who may stop it are passed in.

    <run_dir>/recipe.json                 what this run is,
    <run_dir>/dataset.sha256              and the digest of the images that it is on
    <run_dir>/samples/epoch-0001.png      64 images at fixed latents after each epoch; epoch 0 is before the first
    <run_dir>/checkpoints/epoch-0001/     see models/checkpoint.py
    <run_dir>/state/                      see worker/training/state.py
    <run_dir>/rollback.json               see worker/training/rollback.py

Start is resume: the loop begins with the newest state in the run directory, if there is one. The random numbers of a
step depend on (seed, step) alone, so a resumed run ends with the same bytes as an unbroken one.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from core.card import Provenance, read_card
from core.crash import crash_point
from core.errors import CheckpointError
from core.files import remove_folder, remove_temporaries, write_file
from core.recipe import Recipe
from core.scores import ScoreSheet
from models.checkpoint import save_checkpoint
from models.dcgan import Generator, trainable_parameters
from models.grid import tile, to_png
from models.sampling import draw
from worker.training import health
from worker.training.cuda_graph import CudaGraph
from worker.training.data import Dataset
from worker.training.errors import BadData, BadRunDirectory, Diverged
from worker.training.events import EpochDone, Event, Finished, Progress, Started, Stopped, Warned
from worker.training.gan import Gan, seed_all
from worker.training.precision import has_bfloat16
from worker.training.process import device_name, numerics, place_name, versions
from worker.training.rollback import HALVED, roll_back, rolled_back_at
from worker.training.saving import Saver, StoppedWhileFull
from worker.training.state import Position, Restorable, newest_step, restore_state, save_state

REPORT_EVERY_S = 1.0
SAMPLE_IMAGES = 64
SAMPLE_COLUMNS = 8
SCORE_EVERY = 50_000  # real images


class _Asked(NamedTuple):
    """What `train` was asked to do."""

    recipe: Recipe
    dataset: Dataset
    run_dir: Path
    device: torch.device
    report: Callable[[Event], None]
    should_stop: Callable[[], bool]
    command: str | None
    score: Callable[[Generator], ScoreSheet] | None
    cuda_graph: bool


def train(
    recipe: Recipe,
    dataset: Dataset,
    run_dir: Path,
    device: torch.device,
    report: Callable[[Event], None],
    should_stop: Callable[[], bool],
    command: str | None = None,
    score: Callable[[Generator], ScoreSheet] | None = None,
    cuda_graph: bool = True,
) -> Finished | Stopped:
    """Train to the end of the recipe, or until `should_stop()` is true between two steps.

    `command` is written into the cards. `score` is asked after every `SCORE_EVERY` real images, and at the end; the
    checkpoint with the best `frechet_digits` is the one that `Finished` names, or without scores the last. With
    `cuda_graph` a GPU, which must be torch's current one, launches each step as a whole.

    Raises TrainingError: BadData when the data set holds less than one step takes, BadRunDirectory when the directory
    belongs to another recipe, other images or another version, Diverged when a number is no longer finite a second
    time. The first time the run goes back to its newest state, and on at half the learning rates. While the disk is
    full it waits, and warns.
    """
    _claim_run_dir(run_dir, recipe, dataset)
    remove_temporaries(run_dir)  # it has one trainer at a time
    try:
        return _train_twice(_Asked(recipe, dataset, run_dir, device, report, should_stop, command, score, cuda_graph))
    except StoppedWhileFull:
        stopped = Stopped(step=newest_step(run_dir))
        report(stopped)
        return stopped


def _train_twice(asked: _Asked) -> Finished | Stopped:
    """Train, and where a number is not finite train again from the newest state, once."""
    saver = Saver(asked.report, asked.should_stop)
    try:
        return _train(asked, saver)
    except Diverged as error:
        if rolled_back_at(asked.run_dir) is not None:
            raise
        hint = "half the learning rates from here"
        asked.report(Warned(kind="not-finite", step=error.step, detail=str(error), hint=hint))
        saver.save("the note that the run went back", error.step, roll_back, asked.run_dir, error.step)
    return _train(asked, saver)


def _train(asked: _Asked, saver: Saver) -> Finished | Stopped:
    recipe, dataset, run_dir, device, report, should_stop, command, score, cuda_graph = asked
    steps_per_epoch = len(dataset) // recipe.images_per_step
    if steps_per_epoch == 0:
        raise BadData(
            f"data set {recipe.dataset!r} holds {len(dataset)} images; one step takes "
            f"batch_size * d_steps = {recipe.images_per_step} of them"
        )
    total_steps = steps_per_epoch * recipe.epochs

    gan = Gan(recipe, dataset, device)
    do_step = CudaGraph(gan.step) if cuda_graph and device.type == "cuda" else gan.step

    # Go on from the newest state, if there is one.
    optimizers = {"opt_G": gan.opt_G, "opt_D": gan.opt_D}
    live = Restorable(gan.networks, optimizers, {"epoch_means": gan.epoch_means.sums})
    computed_by = numerics(device)
    first_step, bit_exact = restore_state(run_dir, live, computed_by)
    if device.type != "cpu":
        bit_exact = False  # a GPU adds up in whatever order its threads end
    went_back_at = rolled_back_at(run_dir)
    if went_back_at is not None and first_step < went_back_at and first_step % steps_per_epoch > 0:
        bit_exact = False  # an unbroken run would have gone back to the end of an epoch, so nothing is promised
    full_rate = 1.0 if went_back_at is None else HALVED
    report(
        Started(
            device=place_name(device),
            epochs=recipe.epochs,
            total_steps=total_steps,
            step=first_step,
            parameters_g=trainable_parameters(gan.G),
            parameters_d=trainable_parameters(gan.D),
            bit_exact=bit_exact,
        )
    )
    if recipe.precision == "bfloat16" and not has_bfloat16(device):
        detail = f"{device_name(device)} has no instructions for bfloat16: each step takes much longer than in float32"
        report(Warned(kind="slow-precision", step=first_step, detail=detail, hint='set precision to "float32"'))
    for sign in health.signs_in_labels(dataset, recipe.classes):
        report(Warned(step=first_step, **sign._asdict()))
    drawn: Tensor | None = None
    if first_step == 0:
        gan.finish_average(refresh_batches=1)  # noise, and the first step waits for it
        drawn = _draw_sample(gan.G_ema, recipe.seed)
        saver.save("the sample of epoch 0", 0, _save_sample, run_dir, 0, drawn)

    order = torch.empty(0, dtype=torch.long)
    epoch_clock, report_clock = _Clock(first_step), _Clock(first_step)
    for step in range(first_step, total_steps):
        # Stop here if asked to, with everything on disk.
        if should_stop():
            _insist_on_finite_weights(gan.networks, step)
            here = Position(step, bit_exact)
            saver.save(f"the state after step {step}", step, save_state, run_dir, here, live, computed_by)
            stopped = Stopped(step=step)
            report(stopped)
            return stopped

        # Shuffle at the start of each epoch, and fix what this step is to be.
        epoch, index = divmod(step, steps_per_epoch)
        if index == 0 or step == first_step:
            seed_all(recipe.seed, "shuffle", epoch)
            order = torch.randperm(len(dataset)).to(device)
        gan.chosen.copy_(order[index * recipe.images_per_step : (index + 1) * recipe.images_per_step])
        rate = full_rate * _decayed(recipe.lr_decay, step / total_steps)
        gan.set_rates(rate)
        seed_all(recipe.seed, "step", step)
        do_step()

        # Tell where the run is.
        done = step + 1
        kimg = done * recipe.images_per_step / 1000
        if report_clock.seconds >= REPORT_EVERY_S:
            means = _finite(gan.recent_means.take(), done)
            images_per_s = report_clock.restart(done) * recipe.images_per_step
            report(Progress(step=done, epoch=epoch + 1, kimg=kimg, images_per_s=images_per_s, **means))

        # Close the epoch: a sample grid, scores, a checkpoint and a state to resume from.
        if index == steps_per_epoch - 1:
            means = _finite(gan.epoch_means.take(), done)
            _insist_on_finite_weights(gan.networks, done)
            images_per_s = epoch_clock.restart(done) * recipe.images_per_step
            gan.finish_average()
            drawn_before, drawn = drawn, _draw_sample(gan.G_ema, recipe.seed)
            saver.save(f"the sample of epoch {epoch + 1}", done, _save_sample, run_dir, epoch + 1, drawn)
            shown, before = done * recipe.images_per_step, (done - steps_per_epoch) * recipe.images_per_step
            due = shown // SCORE_EVERY > before // SCORE_EVERY or done == total_steps
            scores = score(gan.G_ema) if score is not None and due else None
            provenance = Provenance(
                recipe=recipe,
                image_shape=dataset.shape,
                dataset_sha256=dataset.sha256,
                epoch=epoch + 1,
                step=done,
                kimg=kimg,
                losses=means,
                scores=scores,
                rolled_back_at=went_back_at,
                bit_exact=bit_exact,
                device=device_name(device),
                versions=versions(),
                command=command,
                created_at=datetime.now(UTC),
            )
            checkpoint = _checkpoint_folder(run_dir, epoch + 1)
            saver.save(f"the checkpoint of epoch {epoch + 1}", done, _save_checkpoint, checkpoint, gan, provenance)
            crash_point("epoch:between-checkpoint-and-state")
            here = Position(done, bit_exact)
            saver.save(f"the state after step {done}", done, save_state, run_dir, here, live, computed_by)
            report(
                EpochDone(
                    step=done,
                    epoch=epoch + 1,
                    kimg=kimg,
                    images_per_s=images_per_s,
                    **means,
                    sample=str(_sample_path(run_dir, epoch + 1).relative_to(run_dir)),
                    checkpoint=str(checkpoint.relative_to(run_dir)),
                    scores=scores,
                )
            )
            if kimg >= health.MATURE_KIMG:
                seen = health.Epoch(means, drawn, drawn_before, dataset.images[:SAMPLE_IMAGES], rate, scores)
                for sign in health.signs(seen):
                    report(Warned(step=done, **sign._asdict()))
            epoch_clock.restart(done)

    best = _best_checkpoint(run_dir, recipe.epochs)
    finished = Finished(step=total_steps, checkpoint=str(best.relative_to(run_dir)))
    report(finished)
    return finished


class _Clock:
    """Steps per second between restarts."""

    def __init__(self, step: int) -> None:
        self._step, self._start = step, time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def restart(self, step: int) -> float:
        rate = (step - self._step) / max(self.seconds, 1e-9)
        self._step, self._start = step, time.perf_counter()
        return rate


def _claim_run_dir(run_dir: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Write recipe and data set's digest into a fresh run directory; in a used one, insist that they are the same."""
    path, digest = run_dir / "recipe.json", run_dir / "dataset.sha256"
    run_dir.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _insist_on_same_recipe(path, recipe)
    else:
        write_file(path, (recipe.model_dump_json(indent=2) + "\n").encode())
    if not digest.exists():
        write_file(digest, f"{dataset.sha256}\n".encode())
    elif digest.read_bytes().strip() != dataset.sha256.encode():
        raise BadRunDirectory(f"{run_dir}: holds a run on other images; dataset {recipe.dataset!r} has changed since")


def _insist_on_same_recipe(path: Path, recipe: Recipe) -> None:
    try:
        found = Recipe.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadRunDirectory(f"{path}: not a recipe") from error
    differing = [name for name in Recipe.model_fields if getattr(found, name) != getattr(recipe, name)]
    if differing:
        raise BadRunDirectory(f"{path.parent}: holds a run of another recipe; they differ in {', '.join(differing)}")


def _decayed(share: float, done: float) -> float:
    """What is left of the learning rates when `done` of the run is over: 1, and over its last `share` down to 0."""
    return min(1.0, (1.0 - done) / share) if share > 0 else 1.0


def _finite(means: dict[str, float], step: int) -> dict[str, float]:
    for name, value in means.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value}", step)
    return means


def _insist_on_finite_weights(networks: dict[str, nn.Module], step: int) -> None:
    """The last update comes after its losses were measured, and what is saved must be worth going back to."""
    for network, name, parameter in ((n, *found) for n in networks for found in networks[n].named_parameters()):
        if not parameter.isfinite().all():
            raise Diverged(f"weights {name} of {network} are not finite", step)


def _draw_sample(G_ema: Generator, seed: int) -> Tensor:
    """The pixels that the API would serve, uint8 [SAMPLE_IMAGES, H, W, C]: drawn by the CPU, wherever G trains."""
    on_gpu = next(G_ema.parameters()).is_cuda
    return torch.from_numpy(draw(deepcopy(G_ema).cpu() if on_gpu else G_ema, seed, 0, SAMPLE_IMAGES))


def _save_sample(run_dir: Path, epoch: int, drawn: Tensor) -> None:
    path = _sample_path(run_dir, epoch)
    path.parent.mkdir(exist_ok=True)
    write_file(path, to_png(tile(drawn.numpy(), SAMPLE_COLUMNS, pad=2, scale=1)))


def _sample_path(run_dir: Path, epoch: int) -> Path:
    return run_dir / "samples" / f"epoch-{epoch:04d}.png"


def _save_checkpoint(folder: Path, gan: Gan, provenance: Provenance) -> None:
    remove_folder(folder, label="checkpoint")  # left by a run that ended before its state was saved
    save_checkpoint(folder, gan.G_ema, gan.D, provenance)


def _best_checkpoint(run_dir: Path, epochs: int) -> Path:
    """The checkpoint with the best `frechet_digits`, the earlier of equals; where none was scored the last."""
    folders = [_checkpoint_folder(run_dir, epoch) for epoch in range(1, epochs + 1)]
    scored = []
    for folder in folders:
        with suppress(CheckpointError):  # one that cannot be read costs itself, and not the run
            scores = read_card(folder).scores
            if scores is not None:
                scored.append((scores.frechet_digits, folder))
    return min(scored)[1] if scored else folders[-1]


def _checkpoint_folder(run_dir: Path, epoch: int) -> Path:
    return run_dir / "checkpoints" / f"epoch-{epoch:04d}"
