from typing import Any

import pytest
from pydantic import ValidationError

from core.recipe import Recipe
from core.validation import Fault, explain


def fault_of(**knobs: Any) -> Fault:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(knobs)
    (error,) = caught.value.errors()
    return explain(error, list(Recipe.model_fields))


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("epochs", 0, "greater than or equal to 1"),
        ("lr_g", 2.0, "less than or equal to 1"),
        ("beta1", 1.0, "less than 1"),
        ("augment", "flip", "'none', 'translate', 'cutout' or 'diffaugment'"),
        ("dataset", "../x", "1 to 64 of the letters a to z"),
        ("epochs", "three", "integer"),
    ],
)
def test_a_fault_names_field_value_and_what_is_allowed(field: str, value: Any, allowed: str) -> None:
    fault = fault_of(**{field: value})
    assert (fault.field, fault.value) == (field, value)
    assert allowed in fault.detail


def test_a_rule_over_several_fields_names_the_one_to_change() -> None:
    fault = fault_of(num_images=100, batch_size=64, d_steps=2)
    assert (fault.field, fault.value) == ("num_images", 100)
    assert "num_images >= 128" in fault.detail


def test_an_unknown_field_is_answered_with_the_known_ones() -> None:
    fault = fault_of(learning_rate=0.1)
    assert (fault.field, fault.value) == ("learning_rate", 0.1)
    assert all(name in fault.detail for name in Recipe.model_fields)


def test_what_is_no_object_at_all_is_called_the_input() -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate([1])
    assert explain(caught.value.errors()[0], []).field == "input"
