"""A data folder whose models, data sets, uploads and runs went into a store: `digitforge store upload` did that.

    <data folder>/moved    the address of the store, in a line

Without this file a folder with models is that of one machine. With it, the folder alone is not what it was any more.
"""

from core.errors import StartError
from core.files import write_file
from core.settings import Settings

FILE = "moved"
NAMES = "names"  # of data sets, which one machine alone keeps in files


def note_moved(settings: Settings) -> None:
    """Write down that all of a data folder is in the store."""
    write_file(settings.data_dir / FILE, f"{settings.store_url}\n".encode())


def require_moved(settings: Settings) -> None:
    """Raise StartError where a service would start without the models and data sets that are in its data folder."""
    own, moved = settings.model_copy(update={"store_url": None}), settings.data_dir / FILE
    if settings.store_url is None:
        if moved.is_file():
            raise StartError(
                f"DIGITFORGE_STORE_URL is not set, but {settings.data_dir} was moved to"
                f" {moved.read_text(errors='replace').strip()}; allowed: this URL, or another DIGITFORGE_DATA_DIR"
            )
        return
    of_one_machine = any(own.shelf_dir.glob("[!.]*")) or any(own.imported_dir.glob(f"{NAMES}/[!.]*"))
    if of_one_machine and not moved.is_file():
        raise StartError(
            f"DIGITFORGE_STORE_URL = {settings.store_url!r}: {settings.data_dir} holds models or data sets of one"
            " machine; allowed: `digitforge store upload` first, or another DIGITFORGE_DATA_DIR"
        )
