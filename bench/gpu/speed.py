"""Images a second of a step, by recipe, batch size, precision and CUDA graph, beside the tutorials' loop."""

import itertools

import torch

from bench.gpu.findings import Findings, run_part, steps_per_second
from bench.gpu.subjects import our_step, plain_step, recipe_of, tf32
from core.recipe import PresetName

BATCHES, FEW_BATCHES = (64, 256, 1024, 4096), (8,)
SECONDS = 0.4
AIM_OVER_PLAIN = 10.0
VARIANTS = [  # precision, TF32 in convolutions, CUDA graph
    ("float32", True, True),
    ("float32", True, False),
    ("float32", False, True),
    ("bfloat16", True, True),
]
COLUMNS = ["graph", "no graph", "graph, no TF32", "graph, bfloat16"]


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Measure, one combination after the other."""
    batches, seconds = (FEW_BATCHES, 0.0) if rehearse else (BATCHES, SECONDS)
    ours = findings.table("Training, images/s", "recipe", "batch", *COLUMNS, "peak MB")
    presets: list[PresetName] = ["faithful", "quality"]
    rates: dict[tuple[str, int], float] = {}
    for preset, batch in itertools.product(presets, batches):
        row: list[object] = [preset, batch]
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        for precision, with_tf32, cuda_graph in VARIANTS:
            recipe = recipe_of(preset, batch_size=batch, precision=precision)
            with tf32(with_tf32):
                step = our_step(recipe, device, rehearse=rehearse, cuda_graph=cuda_graph)
                rate = batch * steps_per_second(step, device, seconds)
            rates.setdefault((preset, batch), rate)
            row.append(round(rate))
        peak_mb = round(torch.cuda.max_memory_allocated() / 2**20) if device.type == "cuda" else "-"
        ours.rows.append([*row, peak_mb])

    plain = findings.table(
        "The tutorials' loop with the networks of `faithful`, images/s",
        "batch", "from a DataLoader", "images on the device", "ours / the first", "ours / the second",
    )  # fmt: skip
    for batch in batches:
        by_loader, resident = (
            batch * steps_per_second(plain_step(batch, device, resident=resident), device, seconds)
            for resident in (False, True)
        )
        ratios = [rates["faithful", batch] / rate for rate in (by_loader, resident)]
        plain.rows.append([batch, round(by_loader), round(resident), *(round(ratio, 2) for ratio in ratios)])
        if batch == 256:
            found = f"{ratios[0]:.1f} times, and {ratios[1]:.1f} with its images on the device"
            findings.claim(
                f"batch 256: {AIM_OVER_PLAIN:g} times the tutorials' loop", ratios[0] >= AIM_OVER_PLAIN, found
            )


if __name__ == "__main__":
    run_part(check)
