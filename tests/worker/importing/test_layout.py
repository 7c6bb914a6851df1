import pytest

from worker.importing.layout import layout_of


def placed(*names: str) -> list[tuple[str | None, str | None]]:
    layout = layout_of(names)
    return [(layout.label(name), layout.split(name)) for name in names]


def test_folders_are_classes_below_their_wrapper() -> None:
    assert placed("my set/v1/cat/1.png", "my set/v1/dog/big/2.png") == [("cat", None), ("dog", None)]
    assert placed("cat/1.png", "dog/2.png", "3.png") == [("cat", None), ("dog", None), (None, None)]


@pytest.mark.parametrize("names", [("1.png", "2.png"), ("cat/1.png", "cat/2.png"), ("a/cat/1.png", "a/2.png")])
def test_one_folder_is_no_class(names: tuple[str, ...]) -> None:
    assert placed(*names) == [(None, None)] * 2


def test_train_and_test_are_splits_around_classes_and_in_them() -> None:
    assert placed("x/Train/cat/1", "x/test/cat/1", "x/test/dog/1") == [
        ("cat", "train"),
        ("cat", "test"),
        ("dog", "test"),
    ]
    assert placed("cat/train/1", "dog/testing/1") == [("cat", "train"), ("dog", "test")]
    assert placed("train/images/cat/1", "test/images/dog/1") == [("cat", "train"), ("dog", "test")]
    assert placed("training/1", "testing/2") == [(None, "train"), (None, "test")]


def test_validation_images_are_the_test_images_where_there_are_no_others() -> None:
    assert placed("train/cat/1", "val/dog/1") == [("cat", "train"), ("dog", "test")]
    assert placed("train/cat/1", "valid/dog/1", "test/dog/2") == [("cat", "train"), ("dog", "train"), ("dog", "test")]
    assert "Validation images are taken for training images." in layout_of(["train/1", "val/1", "test/1"]).notes


def test_a_class_that_is_called_test_is_one_where_the_others_are_no_splits() -> None:
    assert placed("test/1", "exam/2") == [("test", None), ("exam", None)]


def test_no_images_have_no_layout() -> None:
    assert layout_of([]).label("cat/1.png") is None
