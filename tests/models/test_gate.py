from pathlib import Path
from typing import Any

import pytest

from core.card import Card
from models.gate import compare
from tests.tiny import save_tiny, score_sheet


def card(folder: Path, seed: int, knobs: dict[str, Any] | None = None, **scores: Any) -> Card:
    return save_tiny(folder / str(seed), seed, scores=score_sheet(**scores), **(knobs or {}))


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"frechet": 10.6}, "frechet 10.60 against 10.00"),
        ({"coverage": 0.77, "frechet": 2.0}, "coverage 0.770 against 0.800"),
        ({"smallest_class": 0.06, "frechet": 2.0}, "smallest_class 0.060 against 0.090"),
        ({"judge": "f" * 16, "frechet": 2.0}, "judge ffffffffffffffff scored it, but judge 0123456789abcdef"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_worse_model_is_refused_with_the_reason(tmp_path: Path, scores: dict[str, Any], words: str) -> None:
    accepted, reason = compare(card(tmp_path, 1, **scores), card(tmp_path, 2))
    assert not accepted
    assert words in reason


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"frechet": 10.4, "coverage": 0.79, "smallest_class": 0.08},  # within what two draws differ by
        {"frechet": 2.0, "coverage": 0.9},
        {"density": 0.1, "class_score": 5.0, "nearest": 0.5},  # not what the gate looks at
    ],
    ids=str,
)
def test_a_model_that_is_no_worse_is_accepted(tmp_path: Path, scores: dict[str, Any]) -> None:
    active = card(tmp_path, 2)
    accepted, reason = compare(card(tmp_path, 1, **scores), active)
    assert accepted
    assert active.model_id in reason


BY_KID: dict[str, Any] = {"compared_by": "kid", "kid": 0.1, "kid_error": 0.003, "images": 50, "frechet": 1.0}


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"kid": 0.109}, "kid 0.1090 against 0.1000"),
        ({"kid": 0.05, "coverage": 0.75}, "coverage 0.750 against 0.800"),
        ({"kid": 0.108}, None),  # within two standard errors of both
        ({"kid": 0.104, "kid_error": 0.0001}, None),  # within a twentieth
        ({"kid": -0.001, "frechet": 99.0, "coverage": 0.77}, None),
        ({"class_coverage": None, "smallest_class": None}, None),
    ],
    ids=str,
)
def test_models_of_few_images_are_compared_by_kid(tmp_path: Path, scores: dict[str, Any], words: str | None) -> None:
    accepted, reason = compare(card(tmp_path, 1, **{**BY_KID, **scores}), card(tmp_path, 2, **BY_KID))
    assert accepted == (words is None)
    assert words is None or words in reason


def test_an_active_model_near_zero_is_beaten_by_chance_alone(tmp_path: Path) -> None:
    active = card(tmp_path, 2, **{**BY_KID, "kid": -0.002})
    assert compare(card(tmp_path, 1, **{**BY_KID, "kid": 0.005}), active).accepted
    assert not compare(card(tmp_path, 3, **{**BY_KID, "kid": 0.01}), active).accepted


def test_a_rare_class_counts_beside_the_number_of_classes(tmp_path: Path) -> None:
    many: dict[str, Any] = {"class_coverage": [0.8] * 100, "smallest_class": 0.008}
    active = card(tmp_path, 2, **many)
    assert not compare(card(tmp_path, 1, **many | {"smallest_class": 0.005}), active).accepted
    assert compare(card(tmp_path, 3, **many | {"smallest_class": 0.0065}), active).accepted


def test_every_reason_is_named(tmp_path: Path) -> None:
    reason = compare(card(tmp_path, 1, frechet=99.0, coverage=0.1, smallest_class=0.0), card(tmp_path, 2)).reason
    assert all(name in reason for name in ("frechet", "coverage", "smallest_class"))


def test_an_unscored_model_is_refused_where_the_active_one_has_scores(tmp_path: Path) -> None:
    unscored, scored = save_tiny(tmp_path / "1", 1), card(tmp_path, 2)
    assert compare(unscored, scored) == (
        False,
        f"it has no scores to compare with those of the active model {scored.model_id}",
    )
    assert compare(scored, unscored).accepted
    assert compare(unscored, save_tiny(tmp_path / "3", 3)).accepted


def test_a_model_of_other_images_is_refused(tmp_path: Path) -> None:
    accepted, reason = compare(card(tmp_path, 1, {"dataset": "letters"}, frechet=1.0), card(tmp_path, 2))
    assert not accepted
    assert "trained on 'letters'" in reason


def test_a_model_of_another_version_is_refused_where_there_is_no_judge_to_tell(tmp_path: Path) -> None:
    no_judge: dict[str, Any] = {**BY_KID, "class_score": None}
    new, same = ({"dataset_sha256": digit * 64} for digit in "10")
    accepted, reason = compare(card(tmp_path, 1, new, **no_judge), card(tmp_path, 2, **no_judge))
    assert not accepted
    assert "trained on other images of that name" in reason
    assert compare(card(tmp_path, 3, same, **no_judge), card(tmp_path, 4, **no_judge)).accepted
    assert compare(card(tmp_path, 5, new), card(tmp_path, 6)).accepted  # a part of the images, and the same judge


def test_a_model_of_another_version_with_a_judge_of_its_own_is_refused_with_what_helps(tmp_path: Path) -> None:
    new = {"dataset_sha256": "1" * 64}
    accepted, reason = compare(card(tmp_path, 1, new, judge="f" * 16, frechet=1.0), card(tmp_path, 2))
    assert not accepted
    assert "trained on other images of that name" in reason
    assert "PUT /models/active makes it active" in reason


def test_the_active_model_trained_again_passes(tmp_path: Path) -> None:
    again = save_tiny(tmp_path / "again", 2)  # the same weights, without scores
    assert compare(again, card(tmp_path, 2)).accepted
