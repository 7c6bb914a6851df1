"""The gate: whether a model may take the active one's place. It compares scores of one judge, and says why."""

from collections.abc import Iterator
from typing import NamedTuple

from core.card import Card
from core.scores import ScoreSheet

DISTANCE_SLACK = 1.05  # times the active model's; two draws of one model differ by less
SHARE_SLACK = 0.02
FEW_IMAGES_SLACK = 0.04  # of the coverage, where fewer than ENOUGH test images are compared with
ENOUGH = 1000
CLASS_SLACK = 0.2  # of the share of a class


class Verdict(NamedTuple):
    """Whether a model may become active, and the reason in a sentence."""

    accepted: bool
    reason: str


def compare(candidate: Card, active: Card) -> Verdict:
    """Compare a candidate's card with the active model's.

    Worse is: a `frechet` over 1.05 times the active one's; where models are compared by `kid`, one that is larger by
    more than chance and a twentieth; less `coverage` by more than 0.02, or 0.04 of few test images; or a rarer
    `smallest_class` by more than a fifth of an even share. What cannot be compared is refused, because nobody knows
    that it is not worse: a model of another data set or of another version of it, which has another judge or none; one
    without scores where the active model has some; and one that another judge has scored.
    """
    if candidate.model_id == active.model_id:
        return Verdict(True, "it is the active model already")
    if candidate.recipe.dataset != active.recipe.dataset:
        return Verdict(False, f"it was trained on {candidate.recipe.dataset!r}, the active model on other images")
    new, old = candidate.scores, active.scores
    if old is None:
        return Verdict(True, f"the active model {active.model_id} has no scores to beat")
    if new is None:
        return Verdict(False, f"it has no scores to compare with those of the active model {active.model_id}")
    is_other_version = candidate.dataset_sha256 != active.dataset_sha256
    if is_other_version and (new.judge != old.judge or new.class_score is None):  # a random network judges all sets
        how = "their scores cannot be compared; PUT /models/active makes it active"
        return Verdict(False, f"it was trained on other images of that name than {active.model_id}, and {how}")
    if new.judge != old.judge:
        return Verdict(False, f"judge {new.judge} scored it, but judge {old.judge} the active model {active.model_id}")
    if worse := [*_farther(new, old), *_less_various(new, old)]:
        return Verdict(False, f"it is worse than the active model {active.model_id}: {', '.join(worse)}")
    return Verdict(True, f"it is no worse than {active.model_id}, which was active before")


def _farther(new: ScoreSheet, old: ScoreSheet) -> Iterator[str]:
    if old.compared_by == "frechet" or new.kid is None or old.kid is None:
        if new.frechet > DISTANCE_SLACK * old.frechet:
            yield f"frechet {new.frechet:.2f} against {old.frechet:.2f}"
    elif new.kid > old.kid + new.kid_slack(old) and new.kid > DISTANCE_SLACK * old.kid:
        yield f"kid {new.kid:.4f} against {old.kid:.4f}"


def _less_various(new: ScoreSheet, old: ScoreSheet) -> Iterator[str]:
    if new.coverage < old.coverage - (SHARE_SLACK if old.images >= ENOUGH else FEW_IMAGES_SLACK):
        yield f"coverage {new.coverage:.3f} against {old.coverage:.3f}"
    if new.smallest_class is None or old.smallest_class is None or old.class_coverage is None:
        return
    if new.smallest_class < old.smallest_class - CLASS_SLACK / len(old.class_coverage):
        yield f"smallest_class {new.smallest_class:.3f} against {old.smallest_class:.3f}"
