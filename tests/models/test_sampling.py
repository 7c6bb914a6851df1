from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from core.recipe import MAX_SEED
from models.checkpoint import load_generator
from models.dcgan import Generator
from models.folding import BATCH, FoldedGenerator
from models.sampling import draw, draw_batch, latents, to_pixels
from models.shelf import PRETRAINED
from tests.tiny import networks, tiny_recipe
from worker.training.data import to_unit_range


@pytest.fixture(scope="module")
def shipped() -> Generator:
    """The shipped generator: wide enough for its sums to depend on how a batch is cut, were it cut."""
    return load_generator(PRETRAINED)


@pytest.fixture(scope="module")
def many(shipped: Generator) -> np.ndarray:
    return draw(shipped, 7, 0, 100)


@pytest.mark.parametrize("n", [1, 4, 16, 37, 64])
@pytest.mark.parametrize("start", [0, 35])
def test_an_image_does_not_depend_on_what_it_is_drawn_with(
    shipped: Generator, many: np.ndarray, n: int, start: int
) -> None:
    assert np.array_equal(draw(shipped, 7, start, n), many[start : start + n])


@dataclass(frozen=True, eq=False)
class Watched(FoldedGenerator):
    """Notes the sizes of its batches."""

    dense_sizes: set[int] = field(default_factory=set)
    convolved: set[int] = field(default_factory=set)

    def dense_stage(self, z: Tensor) -> Tensor:
        self.dense_sizes.add(len(z))
        return super().dense_stage(z)

    def convolve(self, values: Tensor) -> Tensor:
        self.convolved.add(len(values))
        return super().convolve(values)


class CarelessDense(FoldedGenerator):
    """Rounds otherwise in a batch of another size."""

    def dense_stage(self, z: Tensor) -> Tensor:
        return super().dense_stage(z) + (len(z) % BATCH) / 100


class Careless(FoldedGenerator):
    """Rounds otherwise in a batch of another size."""

    def convolve(self, values: Tensor) -> Tensor:
        return super().convolve(values) + (len(values) % BATCH) / 100


def test_each_stage_sees_no_more_than_it_needs(shipped: Generator) -> None:
    folded = Watched.of(shipped)
    rows, sizes = folded.exact_rows, folded.exact_sizes
    assert rows[-1] == sizes[-1] == BATCH
    for n in (1, 3, 8, 16):
        folded.dense_sizes.clear()
        folded.convolved.clear()
        draw(folded, 0, 0, n)
        assert folded.dense_sizes == {min(size for size in rows if size >= n)}
        assert folded.convolved == {min(size for size in sizes if size >= n)}


def test_a_generator_that_depends_on_the_size_of_its_batch_sees_whole_ones(
    shipped: Generator, many: np.ndarray
) -> None:
    convolving, dense = Careless.of(shipped), CarelessDense.of(shipped)
    with torch.inference_mode():
        assert convolving.exact_sizes == [BATCH]
        assert dense.exact_rows == [BATCH]
    for folded in (convolving, dense):
        assert np.array_equal(draw(folded, 7, 0, 3), many[:3])


def test_drawing_nothing_gives_nothing(shipped: Generator) -> None:
    assert draw(shipped, 0, 0, 0).shape == (0, 28, 28, 1)


def test_the_images_of_a_seed_and_of_two_seeds_differ(shipped: Generator, many: np.ndarray) -> None:
    both = np.concatenate([many, draw(shipped, 8, 0, 100)])
    assert len(np.unique(both, axis=0)) == 200


def test_the_largest_seeds_and_starts_are_drawn(shipped: Generator) -> None:
    images = np.concatenate([draw(shipped, seed, start, 2) for seed in (0, MAX_SEED) for start in (0, MAX_SEED - 2)])
    assert len(np.unique(images, axis=0)) == 8


def test_a_generator_in_training_mode_is_refused() -> None:
    G, _ = networks(tiny_recipe())
    with pytest.raises(ValueError, match="training mode"):
        draw(G, 0, 0, 1)


def test_drawing_leaves_no_gradients_and_no_trace_in_the_random_state(shipped: Generator) -> None:
    before = torch.get_rng_state()
    draw(shipped, 0, 0, 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in shipped.parameters())


def test_latents_are_standard_normal() -> None:
    z = latents(3, 0, 2000, 50)
    assert z.shape == (2000, 50)
    assert z.dtype == torch.float32
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.std().item() == pytest.approx(1, abs=0.02)
    assert z.pow(4).mean().item() == pytest.approx(3, abs=0.15)
    assert (z[1:] * z[:-1]).mean().item() == pytest.approx(0, abs=0.02)  # neighbours have nothing in common
    assert z.mean(dim=0).abs().max() < 0.12


def test_a_class_stands_behind_the_same_latent_and_each_is_as_likely() -> None:
    rows = latents(3, 0, 3000, 8, 5)
    assert torch.equal(rows[:, :8], latents(3, 0, 3000, 8))
    classes = rows[:, 8:]
    assert set(classes.unique().tolist()) == {0.0, 1.0}  # type: ignore[no-untyped-call]
    assert (classes.sum(1) == 1).all()
    assert classes.mean(0).tolist() == pytest.approx([0.2] * 5, abs=0.03)


@pytest.mark.parametrize("start", [0, 5, 2**32 - 1, MAX_SEED - 4])
@pytest.mark.parametrize("seed", [0, 2**32, MAX_SEED])
def test_a_latent_is_a_function_of_seed_and_number_alone(seed: int, start: int) -> None:
    rows = latents(seed, start, 4, 8)
    for k in range(4):
        assert torch.equal(rows[k], latents(seed, start + k, 1, 8)[0])


def test_no_two_seeds_and_numbers_share_a_latent() -> None:
    edges = (0, 1, 2, 2**32, 2**32 + 1, MAX_SEED - 1)
    rows = torch.cat([latents(seed, start, 1, 8) for seed in edges for start in edges])
    assert len(torch.unique(rows, dim=0)) == len(edges) ** 2


def test_pixels_are_the_nearest_grey_values_and_clamped() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0, -1.5, 1.5, -0.99, 2 * 100.4 / 255 - 1, 2 * 100.6 / 255 - 1])
    pixels = to_pixels(images.view(2, 1, 2, 2))
    assert (pixels.dtype, pixels.shape) == (torch.uint8, (2, 2, 2, 1))
    assert pixels.flatten().tolist() == [0, 128, 255, 0, 255, 1, 100, 101]


def test_pixels_undo_the_trainers_scaling() -> None:
    for channels in (1, 3):
        images = torch.arange(256, dtype=torch.uint8).repeat(channels).view(1, 16, 16, channels)
        assert torch.equal(to_pixels(to_unit_range(images)), images)


def test_wanted_classes_are_drawn_one_an_image_with_the_z_of_before() -> None:
    free, directed = latents(5, 0, 12, 8, 10), latents(5, 0, 12, 8, 10, [7, 1, 9])
    assert torch.equal(free[:, :8], directed[:, :8])
    assert directed[:, 8:].argmax(1).tolist() == [7, 1, 9] * 4
    assert torch.equal(latents(5, 4, 3, 8, 10, [7, 1, 9]), directed[4:7])


def test_a_wanted_digit_is_drawn_as_exactly_as_any(shipped: Generator) -> None:
    many = draw(shipped, 7, 0, 40, [3, 8])
    for start, n in ((0, 1), (5, 1), (17, 20)):
        assert np.array_equal(draw(shipped, 7, start, n, [3, 8]), many[start : start + n])
    free = draw(shipped, 7, 0, 40)
    classes = latents(7, 0, 40, shipped.z_dim, shipped.classes)[:, shipped.z_dim :].argmax(1)
    same = [k for k in range(40) if classes[k] == (3, 8)[k % 2]]
    assert same
    assert all(np.array_equal(free[k], many[k]) for k in same)


def test_an_image_has_the_same_bytes_at_every_place_of_a_batch_and_beside_any_others(shipped: Generator) -> None:
    folded = FoldedGenerator.of(shipped)
    sizes = shipped.z_dim, shipped.classes
    alone, wanted = draw(folded, 7, 0, BATCH), latents(7, 0, BATCH, *sizes)
    for k in range(BATCH):
        for place in range(BATCH):
            rows = latents(100 + place, 3, BATCH, *sizes)
            rows[place] = wanted[k]
            assert np.array_equal(draw_batch(folded, rows)[place], alone[k]), (k, place)


def test_the_numbers_are_those_of_a_new_generator_for_each_row() -> None:
    rows = latents(2**40 + 1, 11, 50, 7, 10).numpy()
    for k, row in enumerate(rows, 11):
        generator = np.random.Generator(np.random.Philox(key=np.array([2**40 + 1, k], dtype=np.uint64)))
        assert np.array_equal(row[:7], generator.standard_normal(7, dtype=np.float32))
        assert row[7:].argmax() == generator.integers(10)
