"""Files stay small enough to be read at once."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 300
MOST_PAGE_BYTES = 260_000  # of all files of the page; tests/browser/test_shell.py says what a view loads of them


def test_no_python_file_is_longer_than_it_may_be() -> None:
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "var"))]
    files = [file for room in rooms for file in room.rglob("*.py")]
    longer = {str(file.relative_to(ROOT)) for file in files if len(file.read_bytes().splitlines()) > MOST_LINES}
    assert longer == set()


def test_the_page_stays_small() -> None:
    files = [path for path in (ROOT / "page").rglob("*") if path.is_file()]
    longer = {str(file.relative_to(ROOT)) for file in files if len(file.read_bytes().splitlines()) > MOST_LINES}
    assert longer == set()
    assert sum(file.stat().st_size for file in files) < MOST_PAGE_BYTES
