from math import exp, log

import pytest
import torch
from torch import nn

from worker.training.losses import discriminator_loss, generator_loss, gradient_penalty


def logits(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1).requires_grad_()


def test_an_undecided_discriminator_has_the_known_losses() -> None:
    assert discriminator_loss(logits(0, 0), logits(0, 0)).item() == pytest.approx(2 * log(2))
    assert generator_loss(logits(0, 0)).item() == pytest.approx(log(2))


def test_the_losses_are_those_of_the_probabilities() -> None:
    def sigmoid(x: float) -> float:
        return 1 / (1 + exp(-x))

    expected = -(log(sigmoid(1.5)) + log(sigmoid(-0.5))) / 2 - (log(1 - sigmoid(0.3)) + log(1 - sigmoid(-2))) / 2
    assert discriminator_loss(logits(1.5, -0.5), logits(0.3, -2)).item() == pytest.approx(expected)
    expected = -(log(sigmoid(0.3)) + log(sigmoid(-2))) / 2
    assert generator_loss(logits(0.3, -2)).item() == pytest.approx(expected)


def test_smoothing_lowers_the_target_of_real_images_alone() -> None:
    # x = 2, y = -1: -0.9 ln s(2) - 0.1 ln(1 - s(2)) - ln(1 - s(-1)), with ln s(x) = -ln(1 + e^-x)
    expected = 0.9 * log(1 + exp(-2)) + 0.1 * log(1 + exp(2)) + log(1 + exp(-1))
    assert discriminator_loss(logits(2), logits(-1), 0.1).item() == pytest.approx(expected)


def test_extreme_logits_keep_their_loss_and_gradient() -> None:
    real, fake = logits(-500), logits(500)
    loss = discriminator_loss(real, fake)
    assert loss.item() == pytest.approx(1000)
    assert [g.item() for g in torch.autograd.grad(loss, [real, fake])] == [-1, 1]
    fake = logits(-500)
    assert torch.autograd.grad(generator_loss(fake), fake)[0].item() == -1


def test_each_side_pulls_the_logits_its_own_way() -> None:
    real, fake = logits(0.5, -3), logits(0.5, -3)
    for_real, for_fake = torch.autograd.grad(discriminator_loss(real, fake), [real, fake])
    (for_generator,) = torch.autograd.grad(generator_loss(fake), fake)
    assert (for_real < 0).all()  # descent raises them
    assert (for_fake > 0).all()
    assert (for_generator < 0).all()


def test_the_penalty_of_a_linear_discriminator_is_half_its_squared_weights() -> None:
    linear = nn.Linear(784, 1)
    images = torch.randn(5, 1, 28, 28, requires_grad=True)
    penalty = gradient_penalty(linear(images.flatten(1)), images)
    weight = linear.weight
    assert penalty.item() == pytest.approx(weight.square().sum().item() / 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(penalty, weight)  # it trains D
    torch.testing.assert_close(gradient, weight.detach())


def test_the_penalty_is_a_mean_over_images() -> None:
    images = torch.randn(4, 1, 28, 28, requires_grad=True)
    scale = torch.tensor([1.0, 2.0, 3.0, 4.0])
    penalty = gradient_penalty((images.flatten(1).sum(dim=1) * scale).view(-1, 1), images)
    assert penalty.item() == pytest.approx(784 * (1 + 4 + 9 + 16) / 4 / 2)
