"""The training state on disk: everything that a run needs to go on, private to its run directory.

A state is a folder, `RunDir.state`, of two files: tensors.safetensors and manifest.json.
A state is written whole or not at all. The two newest are kept, so that one damaged by the disk costs an epoch and
not the run.

The manifest says what the numbers depend on, and whether all steps so far depended on the same: `bit_exact`.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load_file
from safetensors.torch import save as format_tensors
from torch import Tensor, nn

from core.files import new_folder, remove_folder, sha256_of
from core.run_dir import RunDir
from worker.training.adam import Adam
from worker.training.errors import BadRunDirectory

TENSORS = "tensors.safetensors"
MANIFEST = "manifest.json"
KEPT = 2


@dataclass(frozen=True)
class Restorable:
    """The live objects whose tensors make up the state."""

    networks: dict[str, nn.Module]
    optimizers: dict[str, Adam]
    tensors: dict[str, Tensor]


class Position(NamedTuple):
    """Where a run is."""

    step: int  # steps already done
    bit_exact: bool  # whether the bytes are those of an unbroken run: all steps were computed in the same way


def save_state(run_dir: RunDir, at: Position, live: Restorable, numerics: dict[str, str]) -> None:
    """Save the state of a run that is `at` a step, and drop all but the newest `KEPT` states.

    `numerics` is what the numbers of this process depend on.
    """
    folder = run_dir.state(at.step)
    if not folder.exists():
        with new_folder(folder, label="state") as temporary:
            data = format_tensors(_flatten(live))
            (temporary / TENSORS).write_bytes(data)  # save_file hides what the system said
            manifest = {
                "step": at.step,
                "sha256": sha256(data).hexdigest(),
                "numerics": numerics,
                "bit_exact": at.bit_exact,
            }
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for old in run_dir.state_folders()[KEPT:]:
        remove_folder(old, label="state")


def restore_state(run_dir: RunDir, live: Restorable, numerics: dict[str, str]) -> Position:
    """Load the newest state that verifies into the live objects; without one the run is at its beginning.

    A state of a process whose `numerics` were others, or are not known, takes the run off the bytes of an unbroken one.
    Raises BadRunDirectory for a state of a version whose layers have other names.
    """
    for folder in run_dir.state_folders():
        step = _verified_step(folder)
        if step is not None:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            flat = load_file(folder / TENSORS)
            if flat.keys() != _flatten(live).keys():
                raise BadRunDirectory(
                    f"{folder}: was saved by a version whose layers have other names, which this one does not read; "
                    "train in a new run directory, or go on with that version"
                )
            _unflatten(flat, live)
            return Position(step, manifest.get("bit_exact") is True and manifest.get("numerics") == numerics)
        remove_folder(folder, label="state")  # or it would stand in the way of the state that is saved in its place
    return Position(0, True)


def newest_step(run_dir: RunDir) -> int:
    """The step of the newest state that verifies, 0 without one."""
    steps = (_verified_step(folder) for folder in run_dir.state_folders())
    return next((step for step in steps if step is not None), 0)


def _verified_step(folder: Path) -> int | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        step, expected = int(manifest["step"]), manifest["sha256"]
        return step if sha256_of(folder / TENSORS) == expected else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _flatten(live: Restorable) -> dict[str, Tensor]:
    """Every tensor under a flat name, on the CPU and contiguous, as safetensors wants it."""
    flat: dict[str, Tensor] = {f"tensor/{name}": tensor for name, tensor in live.tensors.items()}
    for name, network in live.networks.items():
        flat |= {f"network/{name}/{key}": tensor for key, tensor in network.state_dict().items()}
    for name, optimizer in live.optimizers.items():
        flat |= {f"optimizer/{name}/{key}": tensor for key, tensor in optimizer.tensors.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in flat.items()}


def _unflatten(flat: dict[str, Tensor], live: Restorable) -> None:
    for name, tensor in live.tensors.items():
        tensor.copy_(flat[f"tensor/{name}"])
    for name, network in live.networks.items():
        prefix = f"network/{name}/"
        network.load_state_dict({key.removeprefix(prefix): flat[key] for key in flat if key.startswith(prefix)})
    for name, optimizer in live.optimizers.items():
        for key, tensor in optimizer.tensors.items():
            tensor.copy_(flat[f"optimizer/{name}/{key}"])
