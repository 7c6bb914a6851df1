"""Does a GPU compute what the CPU computes? The CUDA tests, and one step's losses and gradients from one state."""

import subprocess
import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from bench.gpu.findings import Findings, run_part
from bench.gpu.subjects import mnist, recipe_of, tf32
from core.recipe import PresetName, Recipe
from worker.training.data import Dataset
from worker.training.gan import Gan, one_hot, seed_all

IMAGES, BATCH, SMALL_BATCH = 2048, 64, 8
SMOOTH = {"lr_g": 0.1, "lr_d": 0.1, "adam_eps": 0.1}  # Adam's first update would be the gradient's sign alone
PRECISIONS = {  # what a relative error of the gradients may be
    "float32": 1e-3,
    "float32, convolutions in TF32": 5e-2,
    "bfloat16": 0.2,
}


class QuietGan(Gan):
    """A `Gan` whose noise is the same on every device."""

    def __init__(self, recipe: Recipe, dataset: Dataset, device: torch.device) -> None:
        super().__init__(recipe, dataset, device)
        seed_all(0, "chosen", 0)
        self.chosen.copy_(torch.randperm(len(dataset))[: recipe.images_per_step])
        self._z = torch.randn(recipe.batch_size, recipe.z_dim)
        self._classes = torch.randint(max(recipe.classes, 1), (recipe.batch_size,))

    def _latents(self) -> tuple[Tensor, Tensor | None]:
        z = self._z.to(self.chosen.device)
        if not self._recipe.classes:
            return z, None
        classes = one_hot(self._classes, self._recipe.classes).to(z.device)
        return torch.cat([z, classes], 1), classes


def after_one_step(recipe: Recipe, device: torch.device) -> dict[str, Tensor]:
    """The losses and all gradients of a step, on the CPU."""
    gan = QuietGan(recipe, mnist(recipe.classes, IMAGES), device)
    gan.step()
    found = {"losses": gan.epoch_means.sums[:2].cpu()}
    for network in ("G", "D"):
        for name, parameter in gan.networks[network].named_parameters():
            assert parameter.grad is not None
            found[f"{network}.{name}"] = parameter.grad.cpu()
    return found


def worst(found: dict[str, Tensor], expected: dict[str, Tensor], names: Sequence[str]) -> tuple[float, str]:
    """The largest relative error, |found - expected| / |expected|, and where it is."""
    return max((float((found[n] - expected[n]).norm() / expected[n].norm().clamp(min=1e-12)), n) for n in names)


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Compare, and run the CUDA tests."""
    table = findings.table(
        "One step beside the CPU's in float32, from one state: relative errors",
        "recipe", "precision", "losses", "worst gradient", "of",
    )  # fmt: skip
    presets: list[PresetName] = ["faithful", "quality"]
    for preset in presets:
        knobs = {"batch_size": SMALL_BATCH if rehearse else BATCH, "dropout": 0.0, "num_images": IMAGES, **SMOOTH}
        expected = after_one_step(recipe_of(preset, **knobs), torch.device("cpu"))
        gradients = [name for name in expected if name != "losses"]
        for precision, allowed in PRECISIONS.items():
            recipe = recipe_of(preset, **knobs, precision=precision.split(",")[0])
            with tf32("TF32" in precision):
                found = after_one_step(recipe, device)
            losses, _ = worst(found, expected, ["losses"])
            error, where = worst(found, expected, gradients)
            table.rows.append([preset, precision, f"{losses:.1e}", f"{error:.1e}", where])
            findings.claim(
                f"{preset} in {precision}: gradients to {allowed:g}", error <= allowed, f"{error:.1e}, {where}"
            )

    tests = ["tests/worker/training/test_cuda.py", "tests/models/test_image_layers.py"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--override-ini",
        "addopts=",
        "-W",
        "default",
        "-q",
        "-p",
        "no:cacheprovider",
        *tests,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
    findings.claim("the CUDA tests", done.returncode == 0, " ".join(last))
    if done.returncode:
        print(done.stdout[-6000:], done.stderr[-2000:], file=sys.stderr)


if __name__ == "__main__":
    run_part(check)
