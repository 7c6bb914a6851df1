import pytest
from pydantic import ValidationError

from core.image_shape import GREY_28, ImageShape


@pytest.mark.parametrize(
    ("side", "base", "stages"), [(16, 8, 1), (20, 5, 2), (28, 7, 2), (32, 8, 2), (48, 6, 3), (64, 8, 3), (128, 8, 4)]
)
def test_a_side_is_a_base_doubled_once_a_stage(side: int, base: int, stages: int) -> None:
    shape = ImageShape(side=side, channels=3)
    assert (shape.base, shape.stages) == (base, stages)


@pytest.mark.parametrize("side", [0, 8, 15, 27, 30, 33, 36, 2048])
def test_another_side_is_refused(side: int) -> None:
    with pytest.raises(ValidationError, match="side"):
        ImageShape(side=side, channels=1)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_images_are_grey_or_of_three_colours(channels: int) -> None:
    with pytest.raises(ValidationError, match="channels"):
        ImageShape.model_validate({"side": 28, "channels": channels})


def test_it_is_json_and_a_shape_of_an_array() -> None:
    assert ImageShape.model_validate_json(GREY_28.model_dump_json()) == GREY_28
    assert GREY_28.array == (28, 28, 1)
    assert [str(GREY_28), str(ImageShape(side=64, channels=3))] == ["28x28, grey", "64x64, colour"]
