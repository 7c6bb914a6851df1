"""The two networks of the DCGAN (Radford et al., 2015, arXiv:1511.06434), for square images in [-1, 1].

Layers are named by stage, so that a name says the same for every shape: `up1`, `up2` ... double the side of G's images,
`down1`, `down2` ... halve that of D's. Shapes in comments are those of 28x28 grey images.

With the `faithful` recipe G has 846,272 trainable parameters and D has 4,801. Both follow Keras where it differs
from torch: "same" padding of a 5x5 kernel at stride 2 is one pixel before and two after, dense layers number the
values of an image by row, column, channel, weights start Glorot uniform, BatchNorm averages with momentum 0.99
(0.01 in torch's terms) and eps 1e-3.

Inside, images stand turned by half a turn. The padding is then two pixels before and one after, which torch's
convolutions do by themselves; one before and two after takes a copy of the image, or a row and a column too many, and
up to twice the time. Kernels are stored upright.

`worker/training/fast_discriminator.py` has what training does in another way; `models/folding.py` draws.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.image_shape import GREY_28, ImageShape
from core.recipe import Recipe
from models.image_layers import IMAGE_CHANNELS, down_from_image, up_to_image
from models.one_channel_products import PADDING, STRIDE, TAPS


def half_turn(x: Tensor) -> Tensor:
    """Images or kernels [..., H, W], upside down and back to front."""
    return x.flip(-2, -1)


class HalfTurn(nn.Module):
    """`half_turn` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        return half_turn(x)


class SameConv2d(nn.Conv2d):
    """5x5 convolution at stride 2 with Keras' "same" padding, of turned images."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, TAPS, STRIDE, PADDING)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', ceil(H/2), ceil(W/2)]."""
        kernel = half_turn(self.weight)
        if self.in_channels in IMAGE_CHANNELS:
            assert self.bias is not None
            return down_from_image(x, kernel) + self.bias.view(-1, 1, 1)
        return F.conv2d(x, kernel, self.bias, STRIDE, PADDING)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """The transpose of `SameConv2d`, without bias."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, TAPS, STRIDE, PADDING, output_padding=1, bias=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[B, C, H, W] -> [B, C', 2H, 2W]."""
        kernel = half_turn(self.weight)
        if self.out_channels in IMAGE_CHANNELS:
            return up_to_image(x, kernel)
        return F.conv_transpose2d(x, kernel, None, STRIDE, PADDING, output_padding=1)


class ToImages(nn.Module):
    """The end of a dense layer: its values become a turned image. They are numbered by row, column, channel."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.channels, self.size = channels, size

    def forward(self, x: Tensor) -> Tensor:
        """[B, size * size * C] -> [B, C, size, size]."""
        return x.view(-1, self.size, self.size, self.channels).flip(1, 2).permute(0, 3, 1, 2)


class FromImages(nn.Module):
    """The transpose of `ToImages`."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, H * W * C]."""
        return x.permute(0, 2, 3, 1).flip(1, 2).flatten(1)


class Logit(nn.Linear):
    """The last layer of D, with a projection by class (Miyato & Koyama, 2018, arXiv:1802.05637)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, 1)
        if classes:
            self.by_class = nn.Parameter(torch.zeros(classes, features))

    def forward(self, features: Tensor, classes: Tensor | None = None) -> Tensor:
        """Features [B, F] and one-hot classes [B, classes] -> logits [B, 1]."""
        logits = super().forward(features)
        if classes is not None:
            logits = logits + (features * (classes @ self.by_class)).sum(1, keepdim=True)
        return logits


class Generator(nn.Sequential):
    """G: latents z [B, z_dim] -> images [B, C, H, W] in [-1, 1].

    With `classes` in the recipe, z is followed by the one-hot class of the image: [B, z_dim + classes].
    Widths come from `g_filters`, `g_hidden_layers`, `g_hidden_units` and `z_dim` of the recipe: the last stage but one
    has `g_filters` channels, each one before it twice as many as the next.
    `class_shares` says how often each class is drawn where none is asked for; None is equally often.
    """

    to_images: ToImages
    up1: SameConvTranspose2d  # and so on to up{stages}, which makes the images
    up1_norm: nn.BatchNorm2d
    up1_act: nn.LeakyReLU

    def __init__(
        self, recipe: Recipe, shape: ImageShape = GREY_28, class_shares: Sequence[float] | None = None
    ) -> None:
        channels, width = recipe.g_filters << (shape.stages - 1), recipe.z_dim + recipe.classes
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(recipe.g_hidden_layers):
            layers[f"hidden{i}"] = nn.Linear(width, recipe.g_hidden_units, bias=False)  # [B, g_hidden_units]
            layers[f"hidden{i}_norm"] = _batch_norm(nn.BatchNorm1d, recipe.g_hidden_units)
            layers[f"hidden{i}_act"] = nn.LeakyReLU(recipe.leaky_slope, inplace=True)
            width = recipe.g_hidden_units
        values = shape.base * shape.base * channels
        layers["dense"] = nn.Linear(width, values, bias=False)  # [B, 7*7*2f]
        layers["dense_norm"] = _batch_norm(nn.BatchNorm1d, values)
        layers["dense_act"] = nn.LeakyReLU(recipe.leaky_slope, inplace=True)
        layers["to_images"] = ToImages(channels, shape.base)  # [B, 2f, 7, 7]
        for stage in range(1, shape.stages):
            layers[f"up{stage}"] = SameConvTranspose2d(channels, channels // 2)  # [B, f, 14, 14]
            channels //= 2
            layers[f"up{stage}_norm"] = _batch_norm(nn.BatchNorm2d, channels)
            layers[f"up{stage}_act"] = nn.LeakyReLU(recipe.leaky_slope, inplace=True)
        layers[f"up{shape.stages}"] = SameConvTranspose2d(channels, shape.channels)  # [B, 1, 28, 28]
        layers["tanh"] = nn.Tanh()
        layers["upright"] = HalfTurn()
        super().__init__(layers)
        self.z_dim, self.classes, self.slope, self.shape = recipe.z_dim, recipe.classes, recipe.leaky_slope, shape
        self.class_shares = class_shares
        _glorot_uniform(self)


class Discriminator(nn.Sequential):
    """D: images [B, C, H, W] in [-1, 1] -> logits [B, 1]; a positive logit says "real".

    `d_layers` convolutions of `d_filters`, twice, four times as many channels. With one layer it is the D of the
    Keras DCGAN tutorial, which halves once more by a max-pool. With `classes` it judges an image as one of its class.
    """

    down1: SameConv2d  # and so on to down{d_layers}
    down1_act: nn.LeakyReLU
    down1_drop: nn.Dropout
    pool: nn.MaxPool2d  # with one layer
    logit: Logit

    def __init__(self, recipe: Recipe, shape: ImageShape = GREY_28) -> None:
        f, side = recipe.d_filters, shape.side // 2
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["turned"] = HalfTurn()
        layers["down1"] = SameConv2d(shape.channels, f)  # [B, f, 14, 14]
        layers["down1_act"] = nn.LeakyReLU(recipe.leaky_slope, inplace=True)
        if recipe.d_layers == 1:
            layers["pool"] = nn.MaxPool2d(2)  # [B, f, 7, 7]
            side //= 2
        layers["down1_drop"] = nn.Dropout(recipe.dropout)
        for stage in range(2, recipe.d_layers + 1):
            side = (side + 1) // 2
            layers[f"down{stage}"] = SameConv2d(f, 2 * f)  # [B, 2f, 7, 7], then [B, 4f, 4, 4]
            if recipe.d_norm == "batch":
                layers[f"down{stage}_norm"] = _batch_norm(nn.BatchNorm2d, 2 * f)
            layers[f"down{stage}_act"] = nn.LeakyReLU(recipe.leaky_slope, inplace=True)
            layers[f"down{stage}_drop"] = nn.Dropout(recipe.dropout)
            f = 2 * f
        layers["from_images"] = FromImages()  # [B, side*side*f]
        layers["logit"] = Logit(f * side * side, recipe.classes)  # [B, 1]
        super().__init__(layers)
        _glorot_uniform(self)

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images [B, C, H, W] and, where the recipe has classes, those of the images, one-hot [B, classes]."""
        *layers, logit = self
        for layer in layers:
            images = layer(images)
        return logit(images, classes)  # type: ignore[no-any-return]


def trainable_parameters(network: nn.Module) -> int:
    """Number of trainable scalars, BatchNorm's affine ones included."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _batch_norm(kind: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], channels: int) -> nn.BatchNorm1d | nn.BatchNorm2d:
    return kind(channels, eps=1e-3, momentum=0.01)


@torch.no_grad()
def _glorot_uniform(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
