"""Data sets and uploads over a real server that speaks S3."""

from pathlib import Path

import numpy as np
import pytest

from core.dataset_arrays import open_dataset
from core.errors import UploadNotFound
from objects.s3 import S3Store
from objects.trees import CHUNK
from sharing.datasets import SharedDatasets
from sharing.uploads import SharedUploads
from tests.imported import write_imported
from tests.object_servers import LentStore
from tests.tiny import digit_like


@pytest.fixture
def store(s3_server: LentStore) -> S3Store:
    return S3Store(s3_server.url, s3_server.environment)


def test_a_data_set_goes_from_one_machine_to_another_and_is_deleted_on_both(store: S3Store, tmp_path: Path) -> None:
    a, b = (SharedDatasets(tmp_path / name, store) for name in "ab")
    card = write_imported(tmp_path / "made", digit_like(20, 0)[..., np.newaxis])
    a.add(tmp_path / "made", card.dataset_id)
    a.point("own", card.dataset_id)
    assert b.find_now("own") == card.dataset_id
    b.fetch(card.dataset_id)
    assert len(open_dataset(b.folder(card.dataset_id)).images) == 20
    assert b.delete_unless(card.dataset_id, list) == []
    a.catch_up()
    assert (a.names(), a.has_images(card.dataset_id)) == ({}, False)
    assert len(list(store.list("datasets/"))) == 1, "the card is left"


def test_a_file_of_several_pieces_comes_in_parts_to_two_machines(store: S3Store, tmp_path: Path) -> None:
    a, b = (SharedUploads(tmp_path / name, store) for name in "ab")
    data = np.random.default_rng(0).bytes(2 * CHUNK + 12345)
    upload_id = a.create(len(data)).id
    for uploads, start, end in ((a, 0, CHUNK + 1), (b, CHUNK + 1, len(data))):
        with uploads.append(upload_id, start) as writer:
            for at in range(start, end, 1 << 20):
                writer.write(data[at : min(at + (1 << 20), end)])
    a.finish(upload_id)
    assert b.fetch(upload_id).read_bytes() == data
    a.delete(upload_id)
    with pytest.raises(UploadNotFound):
        b.get(upload_id)
    assert not list(store.list("uploads/"))
