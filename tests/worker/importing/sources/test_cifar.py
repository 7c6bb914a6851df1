"""The binary version of CIFAR, in a tar as it is published. The pickles of the other are refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.worker.importing.archives import tarred
from tests.worker.importing.array_files import expected, imported, label_of, labels
from tests.worker.importing.assembling import noise
from worker.importing.raw import SourceRejected

NAMES = ["plane", "car", "bird", "cat"]


def batch(count: int, seed: int, label_bytes: int = 1) -> bytes:
    """Records of labels and of planes of red, green and blue."""
    of_labels = np.repeat(labels(count)[:, np.newaxis], label_bytes, axis=1)
    of_labels[:, :-1] = 3  # coarse labels, in front of the fine ones
    planes = noise((count, 32, 32, 3), seed).transpose(0, 3, 1, 2).reshape(count, -1)
    return np.concatenate([of_labels, planes], axis=1).tobytes()


@pytest.mark.parametrize("label_bytes", [1, 2])
def test_batches_become_images_with_names_of_classes(tmp_path: Path, label_bytes: int) -> None:
    files = {
        "cifar/data_batch_1.bin": batch(30, 0, label_bytes),
        "cifar/data_batch_2.bin": batch(30, 1, label_bytes),
        "cifar/test_batch.bin": batch(20, 2, label_bytes),
        "cifar/batches.meta.txt": "\n".join([*NAMES, ""]).encode(),
        "cifar/readme.html": b"<html></html>",
    }
    outcome = imported(tmp_path, tarred(files, "gz"))
    assert (outcome.report.train, outcome.report.test) == (60, 20)
    names = [NAMES[label] for label in labels(30).tolist()]
    both = expected(noise((30, 32, 32, 3), 0), names) | expected(noise((30, 32, 32, 3), 1), names)
    assert label_of(outcome) == both | expected(noise((20, 32, 32, 3), 2), names[:20])
    assert outcome.report.problems == {"not-an-image": 1}


def test_a_batch_alone_is_read(tmp_path: Path) -> None:
    assert imported(tmp_path, batch(30, 0)).made.images.shape == (30, 32, 32, 3)


def test_other_bytes_are_no_batch(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="this is unknown"):
        imported(tmp_path, b"\x0b\x02\xff" + noise((3070,)).tobytes())


def test_pickles_are_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="for CIFAR send the binary version"):
        imported(tmp_path, tarred({"cifar/data_batch_1": pickle.dumps({"data": 1})}))
