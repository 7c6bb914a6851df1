"""How long a recipe trains on images of a shape: the multiply-adds of its networks, and how many two cores do.

Measured: `quality` on 28x28 grey images, 1,200 kimg, scores included, in 15 minutes on two cores with AVX-512
(docs/performance.md).
"""

from core.image_shape import ImageShape

TAPS = 25  # of a 5x5 kernel
G_PASSES, D_PASSES = 4, 16  # a step goes through a network so often: forward, backward, and R1's second gradients
PER_SECOND = 1.9e11  # multiply-adds of two cores
SMALL_BATCH, OF_SMALL = 32, 0.6  # so many images a step and fewer run at this share of the speed


def multiply_adds(shape: ImageShape, g_filters: int, d_filters: int, d_layers: int, z_width: int) -> float:
    """Of a step, for each real image of it, within a tenth."""
    channels, side = g_filters << (shape.stages - 1), shape.base
    g = z_width * side * side * channels
    for stage in range(shape.stages):
        less = channels // 2 if stage < shape.stages - 1 else shape.channels
        g += side * side * channels * less * TAPS
        channels, side = less, 2 * side
    d, channels, side = 0, shape.channels, shape.side
    for layer in range(d_layers):
        more, side = d_filters << layer, (side + 1) // 2
        d += side * side * channels * more * TAPS
        channels = more
    return G_PASSES * g + D_PASSES * d


def minutes(multiply_adds_an_image: float, kimg: float, batch_size: int) -> float:
    """On two cores, for so many thousand real images."""
    rate = PER_SECOND * (OF_SMALL if batch_size <= SMALL_BATCH else 1.0)
    return multiply_adds_an_image * kimg * 1000 / rate / 60
