import math

import torch

from worker.training.means import NAMES, RunningMeans


def test_means_are_over_what_was_added_since_the_last_take() -> None:
    means = RunningMeans(torch.device("cpu"))
    means.add(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    means.add(torch.tensor([3.0, 2.0, 1.0, 0.0]))
    assert means.take() == {"loss_d": 2, "loss_g": 2, "d_real": 2, "d_fake": 2}
    means.add(torch.tensor([5.0, 6.0, 7.0, 8.0]))
    assert list(means.take().values()) == [5, 6, 7, 8]


def test_the_mean_of_nothing_is_not_a_number() -> None:
    means = RunningMeans(torch.device("cpu")).take()
    assert tuple(means) == NAMES
    assert all(math.isnan(value) for value in means.values())


def test_one_tensor_holds_all_that_a_state_must_keep() -> None:
    means, restored = (RunningMeans(torch.device("cpu")) for _ in range(2))
    means.add(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    restored.sums.copy_(means.sums)
    for each in (means, restored):
        each.add(torch.tensor([2.0, 2.0, 2.0, 2.0]))
    assert means.take() == restored.take()
