"""`python -m worker.training.score models/pretrained`: score the generators of checkpoints, one JSON line each.

With several seeds of latents each figure is the mean over them, and `spread` is how far the score that compares
models, `compared_by`, reaches from its lowest to its highest.
"""

import json
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from core.card import read_card
from core.errors import CheckpointError
from core.scores import ScoreSheet
from models.checkpoint import load_generator
from worker.training.arguments import Parser, whole_number
from worker.training.data import EMBEDDED, load_dataset
from worker.training.errors import BadData
from worker.training.scorer import Scorer
from worker.training.streams import escape_what_does_not_fit, heard


def main() -> int:
    """Score what is named; the exit status is 0, or 1 when something cannot be read."""
    escape_what_does_not_fit()
    parser = Parser(prog="python -m worker.training.score", description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+", help="checkpoint folders, trained on one data set")
    parser.add_argument("--datasets", type=Path, default=EMBEDDED, metavar="DIR", help="folder of data set folders")
    parser.add_argument(
        "--dataset-folder", type=Path, metavar="DIR", help="the data set itself, such as an imported one"
    )
    parser.add_argument(
        "--seeds", type=whole_number(1, 1000), default=3, help="seeds of latents, from 0; default: %(default)s"
    )
    arguments = parser.parse_args()
    try:
        recipe = read_card(arguments.checkpoints[0]).recipe
        folder = arguments.dataset_folder or arguments.datasets / recipe.dataset
        scorer = Scorer(folder, load_dataset(folder, recipe.num_images, recipe.classes))
        for checkpoint in arguments.checkpoints:
            G = load_generator(checkpoint)
            sheets = [scorer.score(G, seed) for seed in range(arguments.seeds)]
            if not heard(print, json.dumps({"checkpoint": str(checkpoint), **_means(sheets)}), flush=True):
                return 1  # nobody reads the others
    except (BadData, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _means(sheets: list[ScoreSheet]) -> dict[str, Any]:
    first, rows = sheets[0].model_dump(), [sheet.model_dump() for sheet in sheets]
    means = {name: mean(row[name] for row in rows) for name, value in first.items() if isinstance(value, float)}
    distances = [sheet.compared for sheet in sheets]
    over_floor = mean(sheet.frechet_over_floor for sheet in sheets)
    per_class = {
        name: [mean(shares) for shares in zip(*(row[name] for row in rows), strict=True)]
        for name in ("class_shares", "class_coverage")
        if first[name] is not None
    }
    return {
        **first,
        **means,
        **per_class,
        "frechet_over_floor": over_floor,
        "spread": max(distances) - min(distances),
    }


if __name__ == "__main__":
    sys.exit(main())
