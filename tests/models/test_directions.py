import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint import load_generator
from models.directions import Directions, nudged
from models.folding import FoldedGenerator
from models.sampling import latents
from models.shelf import PRETRAINED
from tests.tiny import networks, tiny_recipe


def random_weight(z_dim: int, out: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(z_dim, out, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)  # the first call loads a library
@given(st.integers(1, 20), st.integers(1, 40), st.integers(0, 1000))
def test_a_step_changes_the_first_layer_by_its_share_and_all_are_at_right_angles(
    z_dim: int, out: int, seed: int
) -> None:
    weight = random_weight(z_dim, out, seed)
    found = Directions.of(weight)
    assert found.vectors.shape == (z_dim, z_dim)
    assert found.vectors.dtype == torch.float32
    torch.testing.assert_close(found.vectors @ found.vectors.t(), torch.eye(z_dim), atol=1e-5, rtol=0)
    changes = (found.vectors @ weight).square().sum(dim=1)
    torch.testing.assert_close(changes / changes.sum(), torch.tensor(found.shares), atol=1e-5, rtol=0)
    assert list(found.shares) == sorted(found.shares, reverse=True)
    assert sum(found.shares) == pytest.approx(1)
    assert min(found.shares) >= 0


def test_the_first_direction_changes_more_than_any_other_step_of_its_length() -> None:
    weight = random_weight(8, 30)
    first = Directions.of(weight).vectors[0]
    others = torch.nn.functional.normalize(random_weight(1000, 8, 1))
    assert (first @ weight).norm() > (others @ weight).norm(dim=1).max()


def test_the_largest_component_of_each_is_positive() -> None:
    weight = random_weight(12, 30)
    vectors = Directions.of(weight).vectors
    assert (vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True)) > 0).all()
    assert torch.equal(Directions.of(-weight).vectors, vectors)


def test_a_first_layer_without_weights_has_directions_too() -> None:
    found = Directions.of(torch.zeros(3, 5))
    assert found.shares == (0.0, 0.0, 0.0)
    torch.testing.assert_close(found.vectors @ found.vectors.t(), torch.eye(3))


@pytest.mark.parametrize("knobs", [{}, {"classes": 4}, {"g_hidden_layers": 1}, {"g_hidden_layers": 2, "classes": 3}])
def test_those_of_a_generator_are_of_the_layer_that_z_enters_without_the_classes(knobs: dict[str, int]) -> None:
    G = FoldedGenerator.of(networks(tiny_recipe(**knobs))[0].eval())
    weight = G.dense[0][0]
    assert len(weight) == G.z_dim + G.classes
    assert torch.equal(G.directions.vectors, Directions.of(weight[: G.z_dim]).vectors)
    assert G.directions is G.directions


def test_they_do_not_depend_on_the_order_of_sums() -> None:
    G = FoldedGenerator.of(load_generator(PRETRAINED))
    weight = G.dense[0][0][: G.z_dim]
    other_order = weight[:, torch.randperm(weight.shape[1], generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(Directions.of(other_order).vectors, G.directions.vectors, atol=3e-8, rtol=1e-6)


def test_a_step_is_the_sum_of_amounts_and_leaves_the_class() -> None:
    found = Directions.of(random_weight(8, 30))
    step = found.step([(0, 150), (3, -200)])
    torch.testing.assert_close(step, 1.5 * found.vectors[0] - 2 * found.vectors[3])
    rows = latents(3, 0, 4, 8, 10)
    moved = nudged(rows, step)
    assert torch.equal(moved[:, :8], rows[:, :8] + step)
    assert torch.equal(moved[:, 8:], rows[:, 8:])
