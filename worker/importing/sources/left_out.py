"""What is said of the files beside the arrays that are none themselves."""

from core.import_kinds import HEAD_BYTES, HINTS, PICTURES, WORDS, Kind, sniff
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode
from worker.importing.sources.unpacked import Unpacked


def left_out(file: Unpacked, wanted: str) -> FileProblem:
    """The problem of a file that is not what is `wanted`."""
    kind = sniff(file.read(0, HEAD_BYTES))
    code, detail = ProblemCode.NOT_AN_IMAGE, f"not {wanted}"
    if kind in WORDS:
        code, detail = ProblemCode.JUNK, f"{kind}, and not {wanted}"
    elif kind == Kind.HTML:
        detail = HINTS[kind]
    elif kind in HINTS:
        code, detail = ProblemCode.UNSUPPORTED_FORMAT, HINTS[kind]
    elif kind in PICTURES | {Kind.ZIP, Kind.NPY, Kind.IDX}:
        code, detail = ProblemCode.UNSUPPORTED_FORMAT, f"{kind} among other files; upload such files by themselves"
    return FileProblem(file=file.name, code=code, detail=detail, action="dropped")
