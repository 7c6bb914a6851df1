"""Drawing on the card beside the CPU. Served images stay the CPU's; scores are measured on the card's."""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from bench.gpu.findings import Findings, run_part, wait_for
from models.checkpoint import load_generator
from models.dcgan import Generator
from models.sampling import draw_in_bulk, draw_latents, latents
from models.shelf import PRETRAINED
from worker.training.data import EMBEDDED, load_dataset
from worker.training.scorer import Scorer

SIZES = (16, 256, 10_000)
REPEATS = 3
PIXELS_OFF, FRECHET_OFF = 1e-3, 0.05  # shares: of pixels off by one grey value, and of frechet


def check(findings: Findings, device: torch.device, rehearse: bool) -> None:
    """Draw the same images on both, and score them on both."""
    on_cpu, on_device = load_generator(PRETRAINED), load_generator(PRETRAINED).to(device)
    table = findings.table("Drawing, images/s", "images", "CPU", "card", "pixels that differ", "by at most")
    for n in SIZES[: 2 if rehearse else 3]:
        rows = latents(0, 0, n, on_cpu.z_dim, on_cpu.classes)
        cpu, cpu_rate = _drawn(partial(_draw_on_cpu, on_cpu, rows), n)
        card, card_rate = _drawn(partial(_draw_on_card, on_device, rows), n)
        off = (cpu.int() - card.int()).abs()
        share = float((off > 0).double().mean())
        table.rows.append([n, round(cpu_rate), round(card_rate), f"{share:.1e}", int(off.max())])
        findings.claim(
            f"{n} images are the CPU's but for {PIXELS_OFF:g} of the pixels, by one grey value",
            share <= PIXELS_OFF and int(off.max()) <= 1,
            f"{share:.1e} by at most {int(off.max())}",
        )
    if not rehearse:
        _score(findings, device)


def _draw_on_cpu(G: Generator, rows: Tensor) -> Tensor:
    return torch.from_numpy(draw_latents(G, rows))


def _draw_on_card(G: Generator, rows: Tensor) -> Tensor:
    return draw_in_bulk(G, rows).cpu()


def _drawn(draw: Callable[[], Tensor], n: int) -> tuple[Tensor, float]:
    """The images, and how many a second."""
    pixels = draw()
    start = time.perf_counter()
    for _ in range(REPEATS):
        draw()
    return pixels, n * REPEATS / (time.perf_counter() - start)


def _score(findings: Findings, device: torch.device) -> None:
    folder = EMBEDDED / "mnist"
    dataset = load_dataset(folder)
    table = findings.table("Scoring 10,000 images", "where", "seconds", "frechet", "coverage", "density")
    sheets = []
    for where in (torch.device("cpu"), device):
        scorer, G = Scorer(folder, dataset, where), load_generator(PRETRAINED).to(where)
        scorer.score(G)
        start = time.perf_counter()
        sheet = scorer.score(G)
        wait_for(where)
        figures = [f"{value:.3f}" for value in (sheet.frechet, sheet.coverage, sheet.density)]
        table.rows.append([str(where), f"{time.perf_counter() - start:.2f}", *figures])
        sheets.append(sheet)
    off = abs(sheets[1].frechet / sheets[0].frechet - 1)
    findings.claim("the card's frechet is the CPU's to 5 %", off <= FRECHET_OFF, f"{off:.2%}")


if __name__ == "__main__":
    run_part(check)
