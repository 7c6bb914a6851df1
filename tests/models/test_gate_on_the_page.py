"""The page says what the gate would decide by a rule of its own, which is the same rule."""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

from core.card import Card
from models.gate import compare
from tests.tiny import save_tiny, score_sheet

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import {{ verdict }} from "file://{ROOT}/page/parts/gate.js";
const pairs = await new Response(Deno.stdin.readable).json();
console.log(JSON.stringify(pairs.map(([candidate, active]) => verdict(candidate, active))));
"""
KID: dict[str, Any] = {"compared_by": "kid", "kid": 0.1, "kid_error": 0.003, "images": 50}
SCORES: list[dict[str, Any] | None] = [
    None,
    {},
    {"frechet": 10.4, "coverage": 0.79, "smallest_class": 0.08},
    {"frechet": 10.6, "coverage": 0.77, "smallest_class": 0.06},
    {"judge": "f" * 16, "frechet": 2.0},
    {"class_coverage": None, "smallest_class": None},
    {"class_coverage": [0.8] * 100, "smallest_class": 0.008},
    KID,
    {**KID, "kid": 0.109},
    {**KID, "kid": 0.104, "kid_error": 0.0001},
    {**KID, "kid": -0.002, "coverage": 0.77},
    {**KID, "kid": 0.005, "coverage": 0.75, "class_score": None},
]
KNOBS: list[dict[str, Any]] = [{}, {"dataset": "letters"}, {"dataset_sha256": "1" * 64}]


def side(card: Card) -> dict[str, Any]:
    scores = card.scores and card.scores.model_dump(mode="json")
    return {"id": card.model_id, "dataset": card.recipe.dataset, "sha256": card.dataset_sha256, "scores": scores}


def test_the_page_decides_as_the_gate_does(tmp_path: Path) -> None:
    base = [save_tiny(tmp_path / str(seed), seed) for seed in (1, 2)]
    changes = [
        {
            "scores": None if scores is None else score_sheet(**scores),
            "dataset_sha256": knobs.get("dataset_sha256", "0" * 64),
            "recipe": base[0].recipe.model_copy(update={k: v for k, v in knobs.items() if k == "dataset"}),
        }
        for scores, knobs in product(SCORES, KNOBS)
    ]
    candidates, actives = ([card.model_copy(update=change) for change in changes] for card in base)
    pairs = [*product(candidates, actives), (candidates[0], candidates[1])]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "deno"), "eval", "--quiet", PROGRAM],
        input=json.dumps([[side(candidate), side(active)] for candidate, active in pairs]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = json.loads(done.stdout)
    assert len(told) == len(pairs)
    for (candidate, active), page in zip(pairs, told, strict=True):
        gate = compare(candidate, active)
        assert page["accepted"] == gate.accepted, (side(candidate), side(active))
        if "it is worse" in page["reason"]:
            assert all(f"{name} " in gate.reason for name in page["worse"])
            assert len(page["worse"]) == gate.reason.count("against")
