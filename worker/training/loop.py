"""The training loop. Recipe and data in, run directory out; who watches and who may stop it are passed in.

`core/run_dir.py` has the files that it writes.

Start is resume: the loop begins with the newest state in the run directory, if there is one. The random numbers of a
step depend on (seed, step) alone, so a resumed run ends with the same bytes as an unbroken one.
"""

import time

import torch

from core.files import remove_temporaries
from models.dcgan import trainable_parameters
from worker.training import health
from worker.training.best import best_checkpoint, patience_is_over
from worker.training.claim import claim_run_dir
from worker.training.cuda_graph import CudaGraph
from worker.training.epoch_end import EpochEnd
from worker.training.errors import Diverged
from worker.training.events import Finished, Progress, Started, Stopped, Warned
from worker.training.finite import check_finite_means, check_finite_weights
from worker.training.gan import Gan, seed_all
from worker.training.precision import has_bfloat16
from worker.training.process import device_name, numerics, place_name
from worker.training.rollback import HALVED, roll_back, rolled_back_at
from worker.training.saving import Saver, StoppedWhileFull
from worker.training.state import Position, Restorable, newest_step, restore_state, save_state
from worker.training.task import Callbacks, Task

REPORT_EVERY_S = 1.0


def train(task: Task, callbacks: Callbacks) -> Finished | Stopped:
    """Train to the end of the recipe or of its `patience`, or until `should_stop()` is true between two steps.

    The generator is scored after every `callbacks.score_every` real images, and at the end; the checkpoint with the
    best scores is the one that `Finished` names, or without scores the last.

    Raises TrainingError: BadData when the data set holds less than one step takes, BadRunDirectory when the directory
    belongs to another recipe, other images or another version, Diverged when a number is no longer finite a second
    time. The first time the run goes back to its newest state, and on at half the learning rates. While the disk is
    full it waits, and warns.
    """
    claim_run_dir(task)
    remove_temporaries(task.run_dir.folder)  # it has one trainer at a time
    try:
        return _train_twice(task, callbacks)
    except StoppedWhileFull:
        stopped = Stopped(step=newest_step(task.run_dir))
        callbacks.report(stopped)
        return stopped


def _train_twice(task: Task, callbacks: Callbacks) -> Finished | Stopped:
    """Train, and where a number is not finite train again from the newest state, once."""
    saver = Saver(callbacks.report, callbacks.should_stop)
    try:
        return _train(task, callbacks, saver)
    except Diverged as error:
        if rolled_back_at(task.run_dir) is not None:
            raise
        hint = "half the learning rates from here"
        callbacks.report(Warned(kind="not-finite", step=error.step, detail=str(error), hint=hint))
        saver.save("the note that the run went back", error.step, roll_back, task.run_dir, error.step)
    return _train(task, callbacks, saver)


def _train(task: Task, callbacks: Callbacks, saver: Saver) -> Finished | Stopped:
    recipe, dataset, run_dir, device, report = task.recipe, task.dataset, task.run_dir, task.device, callbacks.report
    steps_per_pass, steps_per_epoch, total_steps = task.steps_per_pass, task.steps_per_epoch, task.total_steps

    gan = Gan(recipe, dataset, device)
    do_step = CudaGraph(gan.step) if task.cuda_graph and device.type == "cuda" else gan.step

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

    def save(at: Position) -> None:
        saver.save(f"the state after step {at.step}", at.step, save_state, run_dir, at, live, computed_by)

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
    for finding in health.diagnose_labels(dataset, recipe.classes):
        report(Warned(step=first_step, **finding._asdict()))
    epoch_end = EpochEnd(task, callbacks, gan, saver, save, went_back_at)
    if first_step == 0:
        epoch_end.sample_untrained()

    order = torch.empty(0, dtype=torch.long)
    last_step = total_steps
    epoch_clock, report_clock = _Clock(first_step), _Clock(first_step)
    for step in range(first_step, total_steps):
        # Stop here if asked to, with everything on disk.
        if callbacks.should_stop():
            check_finite_weights(gan.networks, step)
            save(Position(step, bit_exact))
            stopped = Stopped(step=step)
            report(stopped)
            return stopped

        # End here if more epochs do not help.
        epoch, index = divmod(step, steps_per_epoch)
        if index == 0 and patience_is_over(run_dir, epoch, recipe.patience):
            last_step = step
            break

        # Shuffle at the start of each pass, and fix what this step is to be.
        number, place = divmod(step, steps_per_pass)
        if place == 0 or step == first_step:
            seed_all(recipe.seed, "shuffle", number)
            order = torch.randperm(len(dataset)).to(device)
        gan.chosen.copy_(order[place * recipe.images_per_step : (place + 1) * recipe.images_per_step])
        rate = full_rate * _decayed(recipe.lr_decay, step / total_steps)
        gan.set_rates(rate)
        seed_all(recipe.seed, "step", step)
        do_step()

        # Tell where the run is.
        done = step + 1
        if report_clock.seconds >= REPORT_EVERY_S:
            means = check_finite_means(gan.recent_means.take(), done)
            kimg = done * recipe.images_per_step / 1000
            images_per_s = report_clock.restart(done) * recipe.images_per_step
            report(Progress(step=done, epoch=epoch + 1, kimg=kimg, images_per_s=images_per_s, **means))

        # Close the epoch: a sample grid, scores, a checkpoint and a state to resume from.
        if index == steps_per_epoch - 1:
            means = check_finite_means(gan.epoch_means.take(), done)  # the device has done all steps then
            check_finite_weights(gan.networks, done)
            images_per_s = epoch_clock.restart(done) * recipe.images_per_step
            epoch_end.close(epoch + 1, Position(done, bit_exact), means, images_per_s, rate)
            epoch_clock.restart(done)

    checkpoint = best_checkpoint(run_dir, last_step // steps_per_epoch)
    finished = Finished(step=last_step, checkpoint=run_dir.relative(checkpoint))
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


def _decayed(share: float, done: float) -> float:
    """What is left of the learning rates when `done` of the run is over: 1, and over its last `share` down to 0."""
    return min(1.0, (1.0 - done) / share) if share > 0 else 1.0
