import math
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from PIL import Image

from core.card import CARD, read_card, verify_checkpoint
from core.image_shape import GREY_28
from core.recipe import Recipe
from core.run_dir import RunDir
from core.version import VERSION
from models.checkpoint import load_discriminator, load_generator
from models.dcgan import Generator, trainable_parameters
from models.grid import tile
from models.sampling import draw
from tests.tiny import score_sheet, tiny_recipe
from tests.worker.training.running import digests, last_checkpoint, measured, run
from worker.training.data import load_dataset
from worker.training.errors import BadData, BadRunDirectory, Diverged
from worker.training.events import EpochDone, Event, Finished, Progress, Started, Stopped
from worker.training.loop import train
from worker.training.scorer import Measured
from worker.training.task import Callbacks, Task

CPU = torch.device("cpu")
RECIPE = tiny_recipe(seed=3)  # 5 steps in each of 2 epochs
E = TypeVar("E", bound=Event)
Trained = tuple[Path, list[Event]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Trained:
    run_dir = tmp_path_factory.mktemp("run") / "new"
    return run_dir, run(RECIPE, datasets, run_dir)


def of_kind(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_the_run_is_told_in_order(trained: Trained) -> None:
    run_dir, events = trained
    assert [event.event for event in events if event.event != "progress"] == ["started", "epoch", "epoch", "finished"]
    started, (first, second), finished = events[0], of_kind(events, EpochDone), events[-1]
    assert isinstance(started, Started)
    assert (started.device, started.step, started.epochs, started.total_steps) == ("cpu", 0, 2, 10)
    assert [(e.step, e.epoch, e.kimg) for e in (first, second)] == [(5, 1, 0.04), (10, 2, 0.08)]
    assert isinstance(finished, Finished)
    assert (finished.step, finished.checkpoint) == (10, second.checkpoint)
    checkpoint = run_dir / finished.checkpoint
    assert started.parameters_g == trainable_parameters(load_generator(checkpoint))
    assert started.parameters_d == trainable_parameters(load_discriminator(checkpoint))
    assert all(e.images_per_s > 0 for e in (first, second))


def test_there_is_a_sample_before_training_and_after_each_epoch(trained: Trained) -> None:
    run_dir, events = trained
    assert RunDir(run_dir).sample_epochs() == [0, 1, 2]
    assert [run_dir / e.sample for e in of_kind(events, EpochDone)] == [
        RunDir(run_dir).sample(1),
        RunDir(run_dir).sample(2),
    ]
    assert len({RunDir(run_dir).sample(epoch).read_bytes() for epoch in range(3)}) == 3


def test_a_sample_shows_what_its_checkpoint_draws(trained: Trained) -> None:
    run_dir, events = trained
    for done in of_kind(events, EpochDone):
        G = load_generator(run_dir / done.checkpoint)
        shown = np.asarray(Image.open(BytesIO((run_dir / done.sample).read_bytes())))
        assert np.array_equal(shown, tile(draw(G, RECIPE.seed, 0, 64), columns=8, pad=2, scale=1)[..., 0])


def test_a_card_tells_where_its_checkpoint_comes_from(trained: Trained, datasets: Path) -> None:
    run_dir, events = trained
    for done in of_kind(events, EpochDone):
        card = verify_checkpoint(run_dir / done.checkpoint)
        assert card.recipe == RECIPE
        assert card.dataset_sha256 == load_dataset(datasets / "tiny").sha256
        assert (card.epoch, card.step, card.kimg) == (done.epoch, done.step, done.kimg)
        assert card.losses == done.means()
        assert (card.device, card.command, card.made_by) == ("cpu", "as typed", VERSION)
        assert card.image_shape == GREY_28


def test_the_directory_holds_what_its_description_names(trained: Trained) -> None:
    run_dir, _ = trained
    assert {path.name for path in run_dir.iterdir()} == {
        "recipe.json",
        "dataset.sha256",
        "samples",
        "checkpoints",
        "state",
    }
    assert Recipe.model_validate_json((run_dir / "recipe.json").read_text()) == RECIPE
    assert {path.name for path in (run_dir / "checkpoints").iterdir()} == {"epoch-0001", "epoch-0002"}
    assert not list(run_dir.rglob(".tmp-*"))


def test_the_same_recipe_gives_the_same_bytes(trained: Trained, datasets: Path, tmp_path: Path) -> None:
    run(RECIPE, datasets, tmp_path)
    assert digests(tmp_path) == digests(trained[0])
    for epoch in range(3):
        assert RunDir(tmp_path).sample(epoch).read_bytes() == RunDir(trained[0]).sample(epoch).read_bytes()


def test_an_epochs_means_are_those_of_its_steps(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.training.loop.REPORT_EVERY_S", 0.0)
    events = run(RECIPE, datasets, tmp_path)
    steps = of_kind(events, Progress)
    assert [(e.step, e.epoch) for e in steps] == [(step, 1 + (step > 5)) for step in range(1, 11)]
    assert [e.kimg for e in steps] == pytest.approx([0.008 * step for step in range(1, 11)])
    for done in of_kind(events, EpochDone):
        of_epoch = [step.means() for step in steps if step.epoch == done.epoch]
        for name, mean in done.means().items():
            assert mean == pytest.approx(np.mean([step[name] for step in of_epoch]), rel=1e-5)
        assert 0 < done.d_real < 1
        assert 0 < done.d_fake < 1


def test_images_beyond_the_last_whole_step_are_left_for_other_epochs(datasets: Path, tmp_path: Path) -> None:
    started = run(tiny_recipe(num_images=23, epochs=1), datasets, tmp_path)[0]
    assert isinstance(started, Started)
    assert started.total_steps == 2


@pytest.mark.parametrize("knobs", [{"batch_size": 41}, {"batch_size": 14, "d_steps": 3}], ids=str)
def test_a_data_set_smaller_than_one_step_is_refused(datasets: Path, tmp_path: Path, knobs: dict[str, int]) -> None:
    needed = knobs["batch_size"] * knobs.get("d_steps", 1)
    with pytest.raises(BadData, match=rf"holds 40 images; one step takes batch_size \* d_steps = {needed}"):
        run(tiny_recipe(**knobs), datasets, tmp_path)


def test_a_directory_of_another_recipe_is_refused_and_left_alone(trained: Trained, datasets: Path) -> None:
    run_dir, _ = trained
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    with pytest.raises(BadRunDirectory, match=r"they differ in seed, lr_g$"):
        run(tiny_recipe(seed=4, lr_g=0.5), datasets, run_dir)
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before


@pytest.mark.parametrize("digest", [b"0" * 64, b"\xff", b""], ids=["another", "no text", "empty"])
def test_a_directory_of_a_run_on_other_images_is_refused(datasets: Path, tmp_path: Path, digest: bytes) -> None:
    run(RECIPE, datasets, tmp_path, stop_after=1)
    (tmp_path / "dataset.sha256").write_bytes(digest + b"\n")
    with pytest.raises(BadRunDirectory, match="holds a run on other images"):
        run(RECIPE, datasets, tmp_path)


def test_weights_that_leave_the_numbers_in_the_last_update_make_no_checkpoint(datasets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(num_images=8, epochs=1).model_copy(update={"lr_g": math.inf})  # one step; its losses are fine
    with pytest.raises(Diverged, match=r"weights .* of G are not finite at step 1"):
        run(recipe, datasets, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_a_directory_whose_recipe_cannot_be_read_is_refused(datasets: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"epochs": ')
    with pytest.raises(BadRunDirectory, match=r"recipe\.json: not a recipe"):
        run(RECIPE, datasets, tmp_path)


def test_a_run_that_leaves_the_numbers_says_so_and_keeps_what_was_good(datasets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(lr_g=1.0, lr_d=1.0, epochs=5)
    recipe = recipe.model_copy(update={"adam_eps": 1e-300})  # not allowed; 0 in float32, so a gradient of 0 makes 0/0
    with pytest.raises(Diverged, match=r"loss_[dg] is nan at step \d+; a lower lr_g and lr_d"):
        run(recipe, datasets, tmp_path)
    for checkpoint in (tmp_path / "checkpoints").glob("*"):
        assert np.isfinite(list(verify_checkpoint(checkpoint).losses.values())).all()


def test_a_stop_before_the_first_step_saves_and_says_so(datasets: Path, tmp_path: Path) -> None:
    events = run(RECIPE, datasets, tmp_path, stop_after=0)
    assert [event.event for event in events] == ["started", "stopped"]
    assert events[-1] == Stopped(step=0)
    assert RunDir(tmp_path).sample_epochs() == [0]


def test_a_finished_run_is_finished_again_at_once(trained: Trained, datasets: Path) -> None:
    run_dir, events = trained
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    again = run(RECIPE, datasets, run_dir)
    assert [event.event for event in again] == ["started", "finished"]
    assert again[-1] == events[-1]
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before
    assert last_checkpoint(run_dir).name == "epoch-0002"


def test_the_best_checkpoint_is_named_and_not_the_last(datasets: Path, tmp_path: Path) -> None:
    distances = iter([9.0, 3.0, 5.0, 3.0])
    dataset = load_dataset(datasets / "tiny")
    events: list[Event] = []

    def score(G: Generator) -> Measured:
        assert not G.training
        return measured(frechet=next(distances))

    task = Task(tiny_recipe(epochs=4), dataset, RunDir(tmp_path), CPU)
    callbacks = Callbacks(events.append, lambda: False, score, score_every=40)  # an epoch
    end = train(task, callbacks)
    assert isinstance(end, Finished)
    assert end.checkpoint == "checkpoints/epoch-0002"
    with Image.open(RunDir(tmp_path).closest_pairs) as pairs:
        assert pairs.getpixel((0, 0)) == 3
    told = [event.scores.frechet for event in of_kind(events, EpochDone) if event.scores]
    written = [read_card(tmp_path / event.checkpoint).scores for event in of_kind(events, EpochDone)]
    (tmp_path / "checkpoints" / "epoch-0002" / CARD).write_text("{")  # costs itself, and not the run
    again = train(task, callbacks)
    assert isinstance(again, Finished)
    assert again.checkpoint == "checkpoints/epoch-0004"
    assert told == [9.0, 3.0, 5.0, 3.0] == [scores.frechet for scores in written if scores]


def test_the_best_checkpoint_is_that_of_the_lowest_kid_where_models_are_compared_by_it(
    datasets: Path, tmp_path: Path
) -> None:
    kids = iter([0.2, -0.001, 0.1])
    events: list[Event] = []
    callbacks = Callbacks(
        events.append, lambda: False, lambda _: measured(kid=next(kids), compared_by="kid"), score_every=40
    )
    end = train(Task(tiny_recipe(epochs=3), load_dataset(datasets / "tiny"), RunDir(tmp_path), CPU), callbacks)
    assert isinstance(end, Finished)
    assert end.checkpoint == "checkpoints/epoch-0002"


def test_scores_are_taken_after_so_many_images_and_at_the_end(datasets: Path, tmp_path: Path) -> None:
    dataset = load_dataset(datasets / "tiny")
    events: list[Event] = []
    score_every = 100  # two epochs and a half
    callbacks = Callbacks(events.append, lambda: False, lambda _: measured(), score_every)
    train(Task(tiny_recipe(epochs=7), dataset, RunDir(tmp_path), CPU), callbacks)
    assert [event.epoch for event in of_kind(events, EpochDone) if event.scores] == [3, 5, 7]
    sparse = tmp_path / "sparse"
    train(Task(tiny_recipe(epochs=2), dataset, RunDir(sparse), CPU), callbacks)
    assert read_card(sparse / "checkpoints" / "epoch-0002").scores == score_sheet()
    assert read_card(sparse / "checkpoints" / "epoch-0001").scores is None
