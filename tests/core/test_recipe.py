import math
import re
import subprocess
import sys
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from core.recipe import DEFAULT_PRESET, MAX_SEED, PRESETS, PresetName, Recipe, with_preset

INTEGERS = {name for name, field in Recipe.model_fields.items() if field.annotation in (int, int | None)}
FLOATS = {name for name, field in Recipe.model_fields.items() if field.annotation is float}
NUMERIC = sorted(INTEGERS | FLOATS)


def bound(field: FieldInfo, *kinds: str) -> Any:
    """The one bound of these kinds that a field declares."""
    (found,) = (getattr(m, kind) for m in field.metadata for kind in kinds if hasattr(m, kind))
    return found


def next_to(name: str, value: Any, direction: float) -> Any:
    return value + int(math.copysign(1, direction)) if name in INTEGERS else math.nextafter(value, direction)


def extremes(name: str) -> tuple[list[Any], list[Any]]:
    """The outermost values that a field allows, and the nearest that it refuses."""
    field, allowed, refused = Recipe.model_fields[name], [], []
    for inclusive, exclusive, outwards in (("ge", "gt", -math.inf), ("le", "lt", math.inf)):
        edge = bound(field, inclusive, exclusive)
        if any(hasattr(m, inclusive) for m in field.metadata):
            allowed.append(edge)
            refused.append(next_to(name, edge, outwards))
        else:
            allowed.append(next_to(name, edge, -outwards))
            refused.append(edge)
    return allowed, refused


def error_of(**knobs: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        Recipe(**knobs)
    (error,) = caught.value.errors()
    return dict(error)


def test_the_defaults_are_the_default_preset() -> None:
    assert PRESETS[DEFAULT_PRESET] == Recipe()


def test_every_number_is_bounded_on_both_sides() -> None:
    assert len(NUMERIC) >= 20
    for name in NUMERIC:
        assert len(extremes(name)[0]) == 2


@pytest.mark.parametrize("name", NUMERIC)
def test_a_number_may_lie_on_its_bounds_and_not_beyond(name: str) -> None:
    allowed, refused = extremes(name)
    for value in allowed:
        knobs: dict[str, Any] = {"batch_size": 2, "d_norm": "none", name: value}
        assert getattr(Recipe(**knobs), name) == value
    for value in refused:
        assert error_of(**{name: value})["loc"] == (name,)


@pytest.mark.parametrize("name", NUMERIC)
def test_what_is_not_a_finite_number_is_refused(name: str) -> None:
    for value in (math.nan, math.inf, -math.inf, "1", True, [1]):
        assert error_of(**{name: value})["loc"] == (name,)


@pytest.mark.parametrize("name", sorted(INTEGERS))
def test_a_whole_number_with_a_point_is_not_an_integer(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Recipe.model_validate_json(f'{{"{name}": 200.0}}')


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../mnist", "a/b", "a\\b", ".hidden", "__MACOSX", "-x", "a b", "a\n", "données", "٣", "a" * 65],
)
def test_a_data_set_name_is_no_path_and_safe_in_commands(name: str) -> None:
    error = error_of(dataset=name)
    assert error["loc"] == ("dataset",)
    assert "stands in commands and in paths; allowed: 1 to 64 of the letters" in error["msg"]


@pytest.mark.parametrize(
    "name", ["mnist", "EMNIST", "FashionMNIST", "KMNIST", "Kuzushiji-49", "my_digits.v2", "7", "a" * 64]
)
def test_a_data_set_may_be_called_as_torchvision_calls_it(name: str) -> None:
    recipe = Recipe(dataset=name)
    assert Recipe.model_validate_json(recipe.model_dump_json()).dataset == name
    assert re.search(Recipe.model_json_schema()["properties"]["dataset"]["pattern"], name)


def test_an_unknown_augmentation_is_refused() -> None:
    assert error_of(augment="flip")["loc"] == ("augment",)


def test_an_unknown_field_is_refused() -> None:
    assert error_of(learning_rate=0.1)["loc"] == ("learning_rate",)


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3  # type: ignore[misc]


def test_a_penalty_through_batch_norm_is_refused() -> None:
    error = error_of(r1_gamma=0.1, d_norm="batch")
    assert "allowed: r1_gamma = 0, or d_norm = none" in error["msg"]
    assert Recipe(r1_gamma=0.0, d_norm="batch").d_norm == "batch"


@pytest.mark.parametrize(("batch_size", "d_steps", "num_images"), [(8, 1, 7), (8, 3, 23)])
def test_fewer_images_than_one_step_takes_are_refused(batch_size: int, d_steps: int, num_images: int) -> None:
    error = error_of(batch_size=batch_size, d_steps=d_steps, num_images=num_images)
    assert f"num_images is {num_images}" in error["msg"]
    assert f"allowed: num_images >= {num_images + 1}" in error["msg"]
    enough = Recipe(batch_size=batch_size, d_steps=d_steps, num_images=num_images + 1)
    assert enough.images_per_step == num_images + 1


@pytest.mark.parametrize("name", get_args(PresetName))
def test_a_preset_survives_json(name: PresetName) -> None:
    recipe = PRESETS[name]
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_extreme_values_survive_json() -> None:
    recipe = Recipe(seed=MAX_SEED, lr_g=5e-324, beta2=math.nextafter(1, 0), adam_eps=0.1, num_images=None)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_the_presets_are_those_announced() -> None:
    assert set(PRESETS) == set(get_args(PresetName))
    assert PRESETS["quality"] == Recipe()


def test_the_faithful_preset_is_the_seed_document() -> None:
    stated = {
        "dataset": "mnist",
        "num_images": None,
        "classes": 0,
        "epochs": 30,
        "batch_size": 256,
        "d_steps": 1,
        "g_steps": 1,
        "precision": "float32",
        "lr_g": 1e-4,
        "lr_d": 1e-4,
        "lr_decay": 0.0,
        "beta1": 0.9,
        "beta2": 0.999,
        "adam_eps": 1e-7,
        "z_dim": 100,
        "g_filters": 64,
        "g_hidden_layers": 0,
        "d_filters": 64,
        "d_layers": 1,
        "d_norm": "none",
        "dropout": 0.3,
        "leaky_slope": 0.3,
        "augment": "none",
        "label_smoothing": 0.0,
        "r1_gamma": 0.0,
        "ema_half_life_kimg": 0.0,
        "passes": 1,
        "patience": 0,
    }
    assert PRESETS["faithful"].model_dump(exclude={"seed", "g_hidden_units"}) == stated


def test_knobs_lie_over_their_preset() -> None:
    knobs = with_preset("fast", {"epochs": 3, "unknown": 1})
    assert knobs == {**PRESETS["fast"].model_dump(), "epochs": 3, "unknown": 1}
    assert PRESETS["fast"].epochs != 3


@pytest.mark.parametrize(
    "module", ["core.recipe", "core.validation", "core.card", "models.shelf", "core.files", "core.datasets"]
)
def test_what_the_api_and_the_worker_need_imports_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
