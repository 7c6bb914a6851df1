import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.run_dir import RunDir
from tests.tiny import flip_byte, largest_file, networks, tiny_recipe
from worker.training.adam import Adam
from worker.training.errors import BadRunDirectory
from worker.training.state import KEPT, MANIFEST, TENSORS, Position, Restorable, restore_state, save_state

HERE = {"torch": "2", "threads": "1"}
ELSEWHERE = {**HERE, "torch": "3"}


def live_objects(seed: int, memory_format: torch.memory_format = torch.contiguous_format) -> Restorable:
    G, D = networks(tiny_recipe(), seed)
    nets: dict[str, nn.Module] = {"G": G, "D": D}
    for network in nets.values():
        network.to(memory_format=memory_format)  # type: ignore[call-overload]
    optimizers = {f"opt_{name}": Adam(network.parameters(), 1e-2, (0.9, 0.999), 1e-8) for name, network in nets.items()}
    return Restorable(nets, optimizers, {"sums": torch.full((3,), float(seed))})


def step(live: Restorable, seed: int) -> None:
    """Change everything that a training step changes, by gradients that depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    for network in live.networks.values():
        for parameter in network.parameters():
            gradient = torch.randn(parameter.shape, generator=generator)
            parameter.grad = torch.empty_like(parameter).copy_(gradient)
    for optimizer in live.optimizers.values():
        optimizer.step()
    live.tensors["sums"] += torch.randn(3, generator=generator)


def everything(live: Restorable) -> dict[str, Tensor]:
    found = dict(live.tensors)
    for name, network in live.networks.items():
        found |= {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}
    for name, optimizer in live.optimizers.items():
        found |= {f"{name}.{key}": tensor for key, tensor in optimizer.tensors.items()}
    return {name: tensor.detach().clone() for name, tensor in found.items()}


def differing(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> list[str]:
    """The names under which the two do not hold the same."""
    both = ours.keys() & theirs.keys()
    return sorted((ours.keys() ^ theirs.keys()) | {name for name in both if not torch.equal(ours[name], theirs[name])})


def saved(run_dir: Path) -> list[str]:
    return sorted(path.name for path in (run_dir / "state").iterdir())


def save_steps(run_dir: Path, *steps: int) -> dict[int, dict[str, Tensor]]:
    """Save after each of these steps, and tell what was there to save."""
    live, found = live_objects(0), {}
    for number in steps:
        step(live, number)
        save_state(RunDir(run_dir), Position(number, True), live, HERE)
        found[number] = everything(live)
    return found


@pytest.mark.parametrize("steps", [0, 2], ids=["fresh", "trained"])
def test_what_was_saved_is_restored_exactly(tmp_path: Path, steps: int) -> None:
    live, restored = live_objects(0), live_objects(1)
    for number in range(steps):
        step(live, number)
    save_state(RunDir(tmp_path), Position(7, True), live, HERE)
    assert differing(everything(restored), everything(live))
    assert restore_state(RunDir(tmp_path), restored, HERE) == Position(7, True)
    assert differing(everything(restored), everything(live)) == []


def test_a_state_of_a_version_with_other_names_is_refused(tmp_path: Path) -> None:
    live = live_objects(0)
    renamed = Restorable({"G": live.networks["G"]}, live.optimizers, live.tensors)
    save_state(RunDir(tmp_path), Position(7, True), renamed, HERE)
    with pytest.raises(BadRunDirectory, match="step-00000007: was saved by a version whose layers have other names"):
        restore_state(RunDir(tmp_path), live, HERE)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_the_next_step_is_the_same_whether_restored_or_not(tmp_path: Path, memory_format: torch.memory_format) -> None:
    live, restored = live_objects(0, memory_format), live_objects(1, memory_format)
    for number in range(3):
        step(live, number)
    save_state(RunDir(tmp_path), Position(3, True), live, HERE)
    restore_state(RunDir(tmp_path), restored, HERE)
    for each in (live, restored):
        step(each, 3)
    assert differing(everything(restored), everything(live)) == []


def test_a_state_of_other_numerics_marks_the_run_for_good(tmp_path: Path) -> None:
    live = live_objects(0)
    save_state(RunDir(tmp_path), Position(1, True), live, ELSEWHERE)
    marked = restore_state(RunDir(tmp_path), live, HERE)
    assert marked == Position(1, False)
    assert restore_state(RunDir(tmp_path), live, ELSEWHERE) == Position(1, True)  # no step was done here
    save_state(RunDir(tmp_path), marked._replace(step=2), live, HERE)
    for place in (HERE, ELSEWHERE):
        assert restore_state(RunDir(tmp_path), live, place) == Position(2, False)


@pytest.mark.parametrize("entry", ["numerics", "bit_exact"])
def test_a_state_that_does_not_say_where_it_comes_from_marks_the_run(tmp_path: Path, entry: str) -> None:
    live = live_objects(0)
    save_state(RunDir(tmp_path), Position(1, True), live, HERE)
    path = tmp_path / "state" / "step-00000001" / MANIFEST
    manifest = json.loads(path.read_text())
    del manifest[entry]
    path.write_text(json.dumps(manifest))
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(1, False)


def test_without_a_state_nothing_is_done(tmp_path: Path) -> None:
    live = live_objects(0)
    before = everything(live)
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(0, True)
    assert differing(everything(live), before) == []


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    save_steps(tmp_path, 1, 2, 10, 99_999_999)
    assert saved(tmp_path) == ["step-00000010", "step-99999999"]
    assert KEPT == 2


def test_saving_the_same_step_again_changes_nothing(tmp_path: Path) -> None:
    live = live_objects(0)
    save_state(RunDir(tmp_path), Position(5, True), live, HERE)
    save_state(RunDir(tmp_path), Position(5, True), live, HERE)
    assert saved(tmp_path) == ["step-00000005"]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "tensors altered": lambda folder: flip_byte(folder / TENSORS, -1),
    "tensors cut": lambda folder: (folder / TENSORS).write_bytes((folder / TENSORS).read_bytes()[:-1]),
    "tensors missing": lambda folder: (folder / TENSORS).unlink(),
    "manifest missing": lambda folder: (folder / MANIFEST).unlink(),
    "manifest cut": lambda folder: (folder / MANIFEST).write_text('{"step": 2'),
    "manifest not UTF-8": lambda folder: (folder / MANIFEST).write_bytes(b"\xff"),
    "manifest a list": lambda folder: (folder / MANIFEST).write_text("[]"),
    "manifest without digest": lambda folder: (folder / MANIFEST).write_text('{"step": 2}'),
    "manifest without step": lambda folder: (folder / MANIFEST).write_text('{"sha256": ""}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_costs_no_more_than_itself(tmp_path: Path, damage: str) -> None:
    found = save_steps(tmp_path, 1, 2)
    DAMAGES[damage](tmp_path / "state" / "step-00000002")
    live = live_objects(1)
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(1, True)
    assert differing(everything(live), found[1]) == []


def damage_all(run_dir: Path) -> None:
    for name in saved(run_dir):
        flip_byte(run_dir / "state" / name / TENSORS, -1)


def test_two_damaged_states_are_no_state(tmp_path: Path) -> None:
    save_steps(tmp_path, 1, 2)
    damage_all(tmp_path)
    live = live_objects(1)
    before = everything(live)
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(0, True)
    assert differing(everything(live), before) == []


def test_a_damaged_state_is_replaced_when_its_step_comes_again(tmp_path: Path) -> None:
    save_steps(tmp_path, 1, 2)
    flip_byte(tmp_path / "state" / "step-00000002" / TENSORS, -1)
    live = live_objects(1)
    restore_state(RunDir(tmp_path), live, HERE)
    step(live, 2)
    save_state(RunDir(tmp_path), Position(2, True), live, HERE)
    assert restore_state(RunDir(tmp_path), live_objects(2), HERE) == Position(2, True)


def test_damaged_states_do_not_push_out_a_sound_one(tmp_path: Path) -> None:
    save_steps(tmp_path, 20, 30)
    damage_all(tmp_path)
    live = live_objects(1)
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(0, True)
    save_state(RunDir(tmp_path), Position(10, True), live, HERE)
    assert restore_state(RunDir(tmp_path), live_objects(2), HERE) == Position(10, True)


def test_a_full_disk_costs_only_the_new_state(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)
    live = live_objects(0)
    with largest_file(1000), pytest.raises(Exception, match="File too large"):
        save_state(RunDir(tmp_path), Position(2, True), live, HERE)
    assert saved(tmp_path) == ["step-00000001"]
    assert restore_state(RunDir(tmp_path), live, HERE) == Position(1, True)
