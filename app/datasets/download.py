"""GET /datasets/{dataset}/download: a data set as a file that makes it again."""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from app.datasets.finding import ArraysDep
from app.http.dependencies import UNCHANGED, IfNoneMatch
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problems import documented
from core.dataset_arrays import DatasetArrays

router = APIRouter(
    prefix="/datasets", tags=["datasets"], responses=documented(404, 410, 422, 503), route_class=StrictRoute
)

MEDIA_TYPE = "application/x-npz"
PIECE_BYTES = 1 << 20
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say: the same data set is always the same file


@router.get(
    "/{dataset}/download",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}}, **UNCHANGED},
)
def download(arrays: ArraysDep, if_none_match: IfNoneMatch) -> Response:
    """All images and labels as an npz for `numpy.load`. Imported again, it gives the same id.

    `train_images` and `test_images` are uint8 [N, side, side], or [N, side, side, 3] in colour, `train_labels` and
    `test_labels` uint16 [N], and `class_names` is text by number; a data set without classes has neither.
    """
    dataset_id = arrays.card.dataset_id
    headers = {"ETag": f'"{dataset_id}"', "Cache-Control": "no-cache"}
    if is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{arrays.card.name}-{dataset_id}.npz"'
    return StreamingResponse(_npz(_members(arrays)), headers=headers, media_type=MEDIA_TYPE)


def _members(arrays: DatasetArrays) -> dict[str, np.ndarray]:
    grey = arrays.card.image_shape.channels == 1
    images = arrays.images[..., 0] if grey else arrays.images
    found = {"train_images": images[arrays.train], "test_images": images[arrays.test]}
    if arrays.labels is not None:
        found |= {"train_labels": arrays.labels[arrays.train], "test_labels": arrays.labels[arrays.test]}
        found["class_names"] = np.array(arrays.card.class_names, dtype=np.str_)
    return found


def _npz(members: dict[str, np.ndarray]) -> Iterator[bytes]:
    """The bytes of an archive of arrays, piece by piece."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            entry = zipfile.ZipInfo(f"{name}.npy", FIXED_TIME)
            entry.file_size = array.nbytes  # so that it becomes a ZIP64 where it has to
            with archive.open(entry, "w") as member:
                member.write(_header(array))
                for piece in _pieces(array):
                    member.write(piece)
                    yield sink.taken()
    yield sink.taken()


def _header(array: np.ndarray) -> bytes:
    """What stands before the pixels in an `.npy`."""
    described = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def _pieces(array: np.ndarray) -> Iterator[bytes]:
    """The array's bytes in C order, a megabyte at a time."""
    each = max(1, PIECE_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), each):
        yield array[start : start + each].tobytes()


class _Sink(io.RawIOBase):
    """Takes what an archive writes, from the first byte to the last, until it is taken from here."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Nothing else: it cannot seek, so the archive never goes back."""
        return True

    def write(self, data: object) -> int:
        """Keep a copy."""
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What came since it was called last."""
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found
