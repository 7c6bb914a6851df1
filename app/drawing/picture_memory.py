"""Finished pictures in memory, up to a bound: a URL is an image, so its bytes can be given again without drawing."""

from collections import OrderedDict

from app.metrics.meters import Gauge, Meters

LARGEST_SHARE = 8  # a picture that would take more than an eighth of the room is not kept


class PictureMemory:
    """Bytes by ETag; those that were not asked for the longest time go first. For use on the event loop."""

    def __init__(self, max_bytes: int, meters: Meters | None = None) -> None:
        self._max_bytes, self._meters = max_bytes, meters or Meters()
        self._bytes = 0
        self._held: OrderedDict[str, bytes] = OrderedDict()  # least recently used first

    def get(self, etag: str) -> bytes | None:
        """The bytes of a picture, if they are here."""
        data = self._held.get(etag)
        if data is not None:
            self._held.move_to_end(etag)
        return data

    def keep(self, etag: str, data: bytes) -> None:
        """Hold a picture, and let go what has no more room."""
        if len(data) * LARGEST_SHARE > self._max_bytes or etag in self._held:
            return
        self._held[etag] = data
        self._bytes += len(data)
        while self._bytes > self._max_bytes:
            _, gone = self._held.popitem(last=False)
            self._bytes -= len(gone)
        self._meters.set(Gauge.PICTURE_BYTES, self._bytes)
