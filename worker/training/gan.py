"""G against D: the two networks in training, and the step that updates them.

Off the CPU, all that a step takes from the one before are tensors that stay where they are, and it asks the device for
no number. So a GPU can record it once and repeat it (`cuda_graph.py`).
"""

from functools import partial
from hashlib import sha256

import torch
from torch import Tensor, nn

from core.recipe import Recipe
from models.augment import augment
from models.dcgan import Discriminator, Generator
from models.sampling import share_bounds
from worker.training.adam import Adam
from worker.training.data import Dataset, to_unit_range
from worker.training.ema import REFRESH_BATCHES, copy_network, decay_per_step, refresh_batch_norm, update_average
from worker.training.fast_discriminator import FastDiscriminator
from worker.training.losses import discriminator_loss, generator_loss, gradient_penalty
from worker.training.means import RunningMeans
from worker.training.precision import in_precision, in_turn


class Gan:
    """G, D and G's average as a recipe has them at first, on a device with their data.

    Before a step, `chosen` int64 [images_per_step] has the numbers of its real images, the optimizers have its learning
    rates, and torch's generators are seeded for it, because all its noise comes from them.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, device: torch.device) -> None:
        self._recipe, self._device = recipe, device
        self._images = dataset.images.to(device)
        self._labels = None if dataset.labels is None else dataset.labels.to(device)
        self.chosen = torch.zeros(recipe.images_per_step, dtype=torch.int64, device=device)

        seed_all(recipe.seed, "weights", 0)
        shape, shares = dataset.shape, dataset.class_shares
        self.G, self.D = Generator(recipe, shape, shares), Discriminator(recipe, shape)
        self.G_ema = Generator(recipe, shape, shares).requires_grad_(False)
        self._bounds = None if shares is None else torch.from_numpy(share_bounds(shares)).float().to(device)
        for network in self.networks.values():
            # Convolutions are fastest with weights in this layout in memory.
            network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub
        copy_network(self.G, self.G_ema)
        as_asked = partial(in_precision, precision=recipe.precision, device=device)
        self._run_G = in_turn([as_asked(layer) for layer in self.G])
        self._run_D = FastDiscriminator(self.D, on_cpu=device.type == "cpu", prepare=as_asked)
        betas = (recipe.beta1, recipe.beta2)
        self.opt_G = Adam(self.G.parameters(), recipe.lr_g, betas, recipe.adam_eps)
        self.opt_D = Adam(self.D.parameters(), recipe.lr_d, betas, recipe.adam_eps)
        self._decay = decay_per_step(recipe.ema_half_life_kimg, recipe.images_per_step)
        self.epoch_means, self.recent_means = RunningMeans(device), RunningMeans(device)

    def set_rates(self, share: float) -> None:
        """Set both learning rates to a share of the recipe's."""
        self.opt_G.set_rate(self._recipe.lr_g * share)
        self.opt_D.set_rate(self._recipe.lr_d * share)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return {"G": self.G, "D": self.D, "G_ema": self.G_ema}

    def step(self) -> None:
        """Update D `d_steps` times, G `g_steps` times, then G's average and the running means of what was measured."""
        recipe = self._recipe

        # Update D on real and generated images: minimise -log D(x) - log(1 - D(G(z))).
        self.G.train()
        for d_step, chosen in enumerate(torch.split(self.chosen, recipe.batch_size)):
            real = to_unit_range(self._images[chosen])  # [B, C, H, W]
            real_classes = None if self._labels is None else one_hot(self._labels[chosen], recipe.classes)
            last = d_step == recipe.d_steps - 1
            with torch.set_grad_enabled(last):  # the last batch of G serves its own update too
                z, fake_classes = self._latents()
                fake = self._run_G(z)  # [B, C, H, W]
            real = augment(real, recipe.augment).requires_grad_(recipe.r1_gamma > 0)
            judged = augment(fake.detach(), recipe.augment)
            real_logits, fake_logits = self._run_D.both(real, judged, real_classes, fake_classes)  # [B, 1] each
            loss_d = discriminator_loss(real_logits, fake_logits, recipe.label_smoothing)
            objective_d = loss_d
            if recipe.r1_gamma > 0:
                objective_d = loss_d + recipe.r1_gamma * gradient_penalty(real_logits, real)
            self.opt_D.zero_grad()
            torch.autograd.backward(objective_d, inputs=list(self.D.parameters()))
            self.opt_D.step()

        # Update G through the new D: minimise -log D(G(z)).
        self.D.requires_grad_(False)
        for g_step in range(recipe.g_steps):
            if g_step > 0:
                z, fake_classes = self._latents()
                fake = self._run_G(z)
            loss_g = generator_loss(self._run_D(augment(fake, recipe.augment), fake_classes))
            self.opt_G.zero_grad()
            torch.autograd.backward(loss_g)
            self.opt_G.step()
        self.D.requires_grad_(True)
        if self._decay > 0:
            update_average(self.G_ema, self.G, self._decay)

        with torch.no_grad():
            measured = torch.stack([loss_d, loss_g, real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()])
        self.epoch_means.add(measured)
        self.recent_means.add(measured)

    def finish_average(self, refresh_batches: int = REFRESH_BATCHES) -> None:
        """Make G_ema ready to draw: with its own BatchNorm statistics, or, without averaging, with G's."""
        if self._decay > 0:
            refresh_batch_norm(self.G_ema, refresh_batches)
        else:
            copy_network(self.G, self.G_ema)
            self.G_ema.eval()

    def _latents(self) -> tuple[Tensor, Tensor | None]:
        """What G draws a batch from, [B, z_dim + classes], and the classes in it, one-hot [B, classes].

        D judges an image as one of its class, so a class is drawn as often as it is among the real images.
        """
        recipe = self._recipe
        z = torch.randn(recipe.batch_size, recipe.z_dim, device=self._device)
        if not recipe.classes:
            return z, None
        if self._bounds is None:
            drawn = torch.randint(recipe.classes, (recipe.batch_size,), device=self._device)
        else:
            drawn = torch.searchsorted(self._bounds, torch.rand(recipe.batch_size, device=self._device), right=True)
        classes = one_hot(drawn, recipe.classes)
        return torch.cat([z, classes], 1), classes


def seed_all(seed: int, purpose: str, index: int) -> None:
    """Make torch's random numbers, on the CPU and on GPUs, a pure function of (seed, purpose, index)."""
    digest = sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    # Not by `torch.manual_seed`: it asks every kind of accelerator, which takes as long as a small step on a GPU.
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        for generator in torch.cuda.default_generators:
            generator.manual_seed(number)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Labels int64 [B] as float32 [B, classes]. Unlike `F.one_hot` it does not look at them first."""
    return (labels.unsqueeze(1) == torch.arange(classes, device=labels.device)).float()
