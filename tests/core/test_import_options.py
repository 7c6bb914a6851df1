import pytest
from pydantic import ValidationError

from core.import_options import ImportOptions


def test_what_is_left_out_is_left_open() -> None:
    options = ImportOptions()
    assert (options.size, options.channels, options.background) == (None, None, None)


@pytest.mark.parametrize("size", [16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128])
def test_sides_that_the_networks_can_halve(size: int) -> None:
    assert ImportOptions(size=size).size == size


@pytest.mark.parametrize("size", [17, 30, 36, 50, 100, 127])
def test_another_side_is_refused_with_those_that_are_allowed(size: int) -> None:
    with pytest.raises(ValidationError, match=rf"cannot draw {size} pixels; allowed: 16, 20, 24, 28, 32, .*, 128"):
        ImportOptions(size=size)


@pytest.mark.parametrize("size", [0, 15, 129])
def test_sides_out_of_bounds_are_refused(size: int) -> None:
    with pytest.raises(ValidationError):
        ImportOptions(size=size)


def test_a_background_is_six_hexadecimal_digits() -> None:
    assert ImportOptions(background="FF00aa").background == "ff00aa"
    for wrong in ("#ff00aa", "ff00a", "white", "ff00aa\n"):
        with pytest.raises(ValidationError):
            ImportOptions(background=wrong)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="scale"):
        ImportOptions.model_validate({"scale": 2})
