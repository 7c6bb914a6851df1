"""Labels become class numbers from 0, and keep their names."""

import numpy as np
import pytest

from worker.importing.classes import classes_of, without_training


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([1, 2, 10, 2], ["1", "2", "10"], [0, 1, 2, 1]),
        ([3, 7, 3], ["3", "7"], [0, 1, 0]),
        ([1, -1], ["-1", "1"], [1, 0]),
        (["class 10", "class 9", "class 10"], ["class 9", "class 10"], [1, 0, 1]),
        (["b", "A", "c"], ["A", "b", "c"], [1, 0, 2]),
        (["10", "9"], ["9", "10"], [1, 0]),
        (["x", None, "y", "x"], ["x", "y"], [0, -1, 1, 0]),
        (["b", "\ud800"], ["\\ud800", "b"], [1, 0]),
        (["1" * 50, "2"], ["2", "1" * 50], [1, 0]),
    ],
)
def test_classes_are_in_the_order_of_their_labels(
    labels: list[str | int | None], names: list[str], numbers: list[int]
) -> None:
    classes = classes_of(labels, "auto")
    assert (classes.names, classes.numbers.tolist()) == (names, numbers)


def test_labels_that_are_no_class_numbers_yet_are_said(tmp_path: object) -> None:
    assert classes_of([1, 2, 3, 4, 5], "auto").notes == [
        "Labels became class numbers from 0 to 4: 1 is 0, 2 is 1, 3 is 2, .... The labels are their names."
    ]
    assert classes_of([0, 1, 2], "auto").notes == []


@pytest.mark.parametrize("labels", [[None, None], [], [7, 7]])
def test_no_labels_and_one_label_are_no_classes(labels: list[int | None]) -> None:
    classes = classes_of(labels, "auto")
    assert (classes.names, classes.warnings) == ([], [])
    assert (classes.numbers == -1).all()


def test_labels_are_left_out_when_asked_for() -> None:
    assert classes_of([0, 1], "none").names == []


@pytest.mark.parametrize("labels", [list(range(1001)), ["a", "b", None, None, None]])
def test_labels_that_cannot_be_classes_are_left_out_with_a_warning(labels: list[str | int | None]) -> None:
    classes = classes_of(labels, "auto")
    assert classes.names == []
    assert [warning.kind for warning in classes.warnings] == ["classes-left-out"]


def test_one_class_that_is_trained_on_is_none() -> None:
    classes = without_training(classes_of(["a", "b", "a"], "auto"), np.array([0, 2]))
    assert (classes.names, classes.numbers.tolist()) == ([], [-1, -1, -1])


def test_a_class_that_no_training_image_is_of_is_no_class() -> None:
    classes = without_training(classes_of(["a", "b", "c", "b"], "auto"), np.array([0, 2]))
    assert (classes.names, classes.numbers.tolist()) == (["a", "c"], [0, -1, 1, -1])
