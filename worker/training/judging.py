"""The judge of an imported data set: trained by the first run on it that needs one, before its first step.

Another run that comes meanwhile trains the same judge for itself; the first to be ready is kept, whole or not at all.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from core.dataset_card import DatasetCard, read_dataset_card
from core.errors import DatasetDamaged
from models.judge import FOLDER, read_judge_card
from worker.training.data import load_dataset
from worker.training.errors import BadData
from worker.training.events import Event, Judging
from worker.training.judge import save_judge, train_judge
from worker.training.metrics import K
from worker.training.saving import Saver
from worker.training.scorer import has_judge, is_imported

FEWEST_OF_CLASS = 50  # training images
FEWEST = 1000  # training images
IMAGES = 600_000  # shown to a judge
EPOCHS = range(6, 61)
SEED = 0
REPORT_EVERY_S = 1.0


class StoppedWhileJudging(Exception):
    """The run was asked to stop. What was learned is lost, and learned again when the run goes on."""


def prepare_judge(folder: Path, report: Callable[[Event], None], should_stop: Callable[[], bool]) -> None:
    """Train the judge of an imported data set, where it is to have one and has none.

    Raises BadData, StoppedWhileJudging, StoppedWhileFull and OSError.
    """
    if has_judge(folder) or not is_imported(folder):
        return
    try:
        card = read_dataset_card(folder)
    except DatasetDamaged as error:
        raise BadData(str(error)) from error
    if not wants_judge(card):
        return
    train = load_dataset(folder, classes=len(card.class_names))
    assert train.test is not None
    epochs = epochs_for(len(train))
    told_at = 0.0

    def each_step(epoch: int, _: int, loss: Tensor) -> None:
        nonlocal told_at
        if should_stop():
            raise StoppedWhileJudging
        if time.monotonic() >= told_at + REPORT_EVERY_S:
            report(Judging(epoch=epoch, epochs=epochs, loss=float(loss)))
            told_at = time.monotonic()

    judge = train_judge(train, len(card.class_names), epochs, SEED, each_step)
    saver = Saver(report, should_stop)
    with suppress(FileExistsError):  # another run was ready before
        saver.save("the judge", 0, save_judge, folder / FOLDER, judge, train, train.test, epochs, SEED)
    made = read_judge_card(folder / FOLDER)
    report(Judging(epoch=epochs, epochs=epochs, judge=made.judge_id, accuracy=made.accuracy))


def wants_judge(card: DatasetCard) -> bool:
    """Whether a data set has labels enough for a judge: two classes or more, with enough images of each."""
    classes = card.classes or []
    return (
        len(classes) > 1
        and card.train >= FEWEST
        and card.test > K
        and all(one.train >= FEWEST_OF_CLASS and one.test > 0 for one in classes)
    )


def epochs_for(images: int) -> int:
    """How many times a judge is shown so many images: `IMAGES` in all, within `EPOCHS`."""
    return min(max(IMAGES // images, EPOCHS[0]), EPOCHS[-1])
