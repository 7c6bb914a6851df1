"""From the settings to the store that machines share."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.settings import Settings
from objects.breaker import Breaker
from objects.files import FileStore
from objects.s3 import S3Store
from objects.store import ObjectStore


def open_store(settings: Settings) -> ObjectStore | None:
    """The store, or None where one machine has everything on its disk."""
    if settings.store_url is None:
        return None
    parts = urlsplit(settings.store_url)
    if parts.scheme == "file":
        return FileStore(Path(unquote(parts.path)))
    return Breaker(S3Store(settings.store_url))
