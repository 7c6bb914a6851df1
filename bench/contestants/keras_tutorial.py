"""The Keras/TensorFlow DCGAN tutorial's loop and networks; runs in an environment with tensorflow-cpu."""

import gzip
import os
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.contestants.answering import answer

MNIST = Path(__file__).resolve().parents[2] / "datasets" / "mnist" / "train-images-idx3-ubyte.gz"
PIXELS = np.frombuffer(gzip.decompress(MNIST.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28, 1)
WARM_UP_STEPS = 3


def generator() -> tf.keras.Model:
    """The tutorial's G."""
    return tf.keras.Sequential(
        [
            layers.Input((100,)),
            layers.Dense(7 * 7 * 128, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, 128)),
            layers.Conv2DTranspose(64, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(1, 5, strides=2, padding="same", use_bias=False, activation="tanh"),
        ]
    )


def discriminator() -> tf.keras.Model:
    """The tutorial's D."""
    return tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(64, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def measure(batch_size: int, steps: int) -> float:
    """Images a second over `steps` steps after a few to warm up and compile."""
    G, D = generator(), discriminator()
    opt_G, opt_D = tf.keras.optimizers.Adam(1e-4), tf.keras.optimizers.Adam(1e-4)
    cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function  # type: ignore[untyped-decorator]
    def train_step(real: tf.Tensor) -> None:
        z = tf.random.normal([batch_size, 100])
        with tf.GradientTape() as tape_G, tf.GradientTape() as tape_D:
            fake = G(z, training=True)
            real_logits, fake_logits = D(real, training=True), D(fake, training=True)
            loss_G = cross_entropy(tf.ones_like(fake_logits), fake_logits)
            loss_D = cross_entropy(tf.ones_like(real_logits), real_logits)
            loss_D += cross_entropy(tf.zeros_like(fake_logits), fake_logits)
        opt_G.apply_gradients(zip(tape_G.gradient(loss_G, G.trainable_variables), G.trainable_variables, strict=True))
        opt_D.apply_gradients(zip(tape_D.gradient(loss_D, D.trainable_variables), D.trainable_variables, strict=True))

    scaled = (PIXELS.astype("float32") - 127.5) / 127.5
    shuffled = tf.data.Dataset.from_tensor_slices(scaled).shuffle(len(scaled)).repeat()
    batches = iter(shuffled.batch(batch_size, drop_remainder=True).prefetch(2))
    for _ in range(WARM_UP_STEPS):
        train_step(next(batches))
    start = time.perf_counter()
    for _ in range(steps):
        train_step(next(batches))
    return batch_size * steps / (time.perf_counter() - start)


if __name__ == "__main__":
    answer(measure)
