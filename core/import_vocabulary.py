"""The closed sets of words of an import: faults of a file, and what looks wrong with a whole data set.

`docs/datasets.md` explains each, and `tests/test_docs_vocabulary.py` holds it to that.
"""

from enum import StrEnum


class ProblemCode(StrEnum):
    """What is wrong with one file of a source, or with one image of a file of many."""

    NOT_AN_IMAGE = "not-an-image"
    TRUNCATED = "truncated"
    TOO_LARGE = "too-large"  # in bytes or pixels
    UNSUPPORTED_FORMAT = "unsupported-format"  # a pickle, TIFF, SVG, a nested archive, ...: with a hint
    UNSAFE_NAME = "unsafe-name"  # absolute, or with `..`
    LINK = "link"
    ENCRYPTED = "encrypted"
    JUNK = "junk"  # `.DS_Store`, `__MACOSX`, `._x`, `Thumbs.db`
    RENAMED = "renamed"  # a name in another encoding than UTF-8
    ROTATED = "rotated"  # as its EXIF orientation says
    ANIMATED = "animated"  # the first frame is taken
    NOT_SQUARE = "not-square"
    ODD_SIZE = "odd-size"  # unlike nearly all others
    UPSCALED = "upscaled"
    BLANK = "blank"  # one colour all over, on the background
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near-duplicate"
    IN_BOTH_SPLITS = "in-both-splits"  # left out of the test images
    NO_LABEL = "no-label"
    BAD_LABEL = "bad-label"
    BAD_ROW = "bad-row"  # of a table


class DatasetWarningKind(StrEnum):
    """What looks wrong with a data set that can be trained on."""

    UPSCALED = "upscaled"
    BLACK_ON_WHITE = "black-on-white"
    BLANK_ON_BACKGROUND = "blank-on-background"
    TRANSPOSED = "transposed"
    DUPLICATES = "duplicates"
    NEAR_DUPLICATES = "near-duplicates"
    UNEVEN_CLASSES = "uneven-classes"
    SMALL_CLASSES = "small-classes"
    FEW_IMAGES = "few-images"
    CLASSES_LEFT_OUT = "classes-left-out"


class ImportPhase(StrEnum):
    """What an import is doing, in order."""

    CHECKING = "checking"  # what the bytes are
    READING = "reading"  # image by image
    COMPARING = "comparing"  # duplicates
    WRITING = "writing"
