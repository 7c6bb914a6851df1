"""What a step leaves to gain: operations a step, time of the card, and the share of a step that waits for the host."""

import torch
from torch.profiler import ProfilerActivity, profile

from bench.gpu.findings import Findings, run_part, steps_per_second, wait_for
from bench.gpu.subjects import our_step, recipe_of
from core.recipe import PresetName

REHEARSED: list[tuple[PresetName, int]] = [("faithful", 8)]
STEPS, FEW_STEPS, LONGEST = 20, 2, 14
SECONDS = 0.3
CASES: list[tuple[PresetName, int]] = [("faithful", 256), ("quality", 64), ("quality", 1024)]


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Profile each case with the CUDA graph and without."""
    shares = findings.table(
        "A step, and the card's part of it",
        "recipe", "batch", "CUDA graph", "ms a step", "operations", "ms of the card", "waits for the host",
    )  # fmt: skip
    steps = FEW_STEPS if rehearse else STEPS
    for preset, batch in REHEARSED if rehearse else CASES:
        for cuda_graph in (True, False):
            step = our_step(recipe_of(preset, batch_size=batch), device, rehearse=rehearse, cuda_graph=cuda_graph)
            step_ms = 1000 / steps_per_second(step, device, 0.0 if rehearse else SECONDS)
            with profile(activities=[ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU]) as seen:
                for _ in range(steps):
                    step()
                wait_for(device)
            work = [(e.key, e.count, e.self_device_time_total) for e in seen.key_averages() if e.self_device_time_total]
            card_ms = sum(us for _, _, us in work) / steps / 1000
            operations = round(sum(count for _, count, _ in work) / steps)
            waiting = f"{max(0.0, 1 - card_ms / step_ms):.0%}"
            shares.rows.append([preset, batch, cuda_graph, f"{step_ms:.3f}", operations, f"{card_ms:.3f}", waiting])
        longest = findings.table(
            f"Longest operations of `{preset}` at batch {batch}", "operation", "times a step", "us a step"
        )
        for key, count, us in sorted(work, key=lambda row: -row[2])[:LONGEST]:
            longest.rows.append([key[:90].replace("|", "/"), round(count / steps, 1), round(us / steps, 1)])


if __name__ == "__main__":
    run_part(check)
