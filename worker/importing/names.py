"""Names of files in archives: made text, and held to what is safe."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.members import MemberFault

LONGEST = 1000  # letters
JUNK_FOLDERS = frozenset({"__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information"})
JUNK_FILES = frozenset({"thumbs.db", "desktop.ini"})
FOLDERS_ICON = "Icon\r"  # of macOS
SHOWN = 200  # letters of a name that cannot be taken


def admit(name: bytes, in_utf_8: bool = True) -> Iterator[str | FileProblem]:
    """The name of a file in an archive as a safe relative path, behind what had to be repaired of it.

    Or else why the file is left out. `in_utf_8` is false where other names of the archive are not.
    """
    text, guessed = as_text(name, in_utf_8)
    try:
        path = safe_name(text.removesuffix("\r") if text.endswith(FOLDERS_ICON) else text)
    except MemberFault as fault:
        yield fault.dropped(shown(text))
        return
    if is_junk(path) or text.endswith(FOLDERS_ICON):
        detail = "a file that systems and programs keep for themselves"
        yield FileProblem(file=path, code=ProblemCode.JUNK, detail=detail, action="dropped")
        return
    if guessed:
        detail = "its name is not UTF-8; this is how it reads in GB 2312 or in code page 437"
        yield FileProblem(file=path, code=ProblemCode.RENAMED, detail=detail, action="repaired")
    yield path


def is_utf_8(name: bytes) -> bool:
    """Whether its bytes can be UTF-8. Short names in Chinese may be both."""
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def as_text(name: bytes, in_utf_8: bool) -> tuple[str, bool]:
    """A name as text, composed (NFC), and whether its encoding had to be guessed because it is not UTF-8.

    Chinese Windows writes GB 2312, other systems the code page of DOS, 437. Each part of a path is guessed by itself,
    so that the files of a folder agree about its name.
    """
    if name.isascii():
        return name.decode("ascii"), False
    parts = [_part_as_text(part, in_utf_8) for part in name.split(b"/")]
    return "/".join(text for text, _ in parts), any(guessed for _, guessed in parts)


def safe_name(name: str) -> str:
    """A name as a relative path without `.`. Raises MemberFault for one that leads elsewhere, or is no name."""
    if len(name) > LONGEST:
        raise _unsafe(f"a name of {len(name):,} letters; allowed: {LONGEST:,}")
    if not name.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise _unsafe("a name with control characters; allowed: letters, digits and signs")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise _unsafe("an absolute name; allowed: names relative to the archive")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _unsafe("a name with `..`, which leads out of the archive; allowed: names without it")
    if not parts:
        raise _unsafe("no name; allowed: at least a letter")
    return "/".join(parts)


def is_junk(path: str) -> bool:
    """Whether systems and programs keep it for themselves, such as `._photo.jpg` or what lies in `.git`."""
    *folders, file = path.lower().split("/")
    return file in JUNK_FILES or not JUNK_FOLDERS.isdisjoint(folders) or path.startswith(".") or "/." in path


def shown(name: str) -> str:
    """A name that may be anything, as a report can hold it."""
    return "".join(letter if letter.isprintable() else "�" for letter in name[:SHOWN])


@lru_cache(1024)
def _part_as_text(part: bytes, in_utf_8: bool) -> tuple[str, bool]:
    if part.isascii():
        return part.decode("ascii"), False
    for encoding in ("utf-8", "gb2312", "cp437") if in_utf_8 else ("gb2312", "cp437"):  # the last one takes any bytes
        try:
            return unicodedata.normalize("NFC", part.decode(encoding)), encoding != "utf-8"
        except UnicodeDecodeError:
            continue
    raise AssertionError("code page 437 has a letter for each byte")


def _unsafe(detail: str) -> MemberFault:
    return MemberFault(ProblemCode.UNSAFE_NAME, detail)
