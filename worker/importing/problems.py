"""The problems of an import as they are met: a line each in a file, counted by their code."""

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from core.import_report import Action, FileProblem
from core.import_vocabulary import ProblemCode

# A file with one of these has no image to give. The others are no fault of the file, or leave an image behind.
BAD = {
    ProblemCode.NOT_AN_IMAGE,
    ProblemCode.TRUNCATED,
    ProblemCode.TOO_LARGE,
    ProblemCode.UNSUPPORTED_FORMAT,
    ProblemCode.ENCRYPTED,
    ProblemCode.BAD_ROW,
}


class Problems:
    """Writes `problems.jsonl`, and counts. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self.by_code: Counter[str] = Counter()
        self.bad = 0  # files that are dropped as unreadable

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Have all problems in the file; none can be added any more."""
        self._file.close()

    def add(self, problem: FileProblem) -> None:
        """Note a problem that a source has met."""
        self.by_code[problem.code] += 1
        self.bad += problem.action == "dropped" and problem.code in BAD
        self._file.write(problem.model_dump_json() + "\n")

    def note(self, file: str, code: ProblemCode, detail: str, action: Action) -> None:
        """Note a problem of an image among the others."""
        self.add(FileProblem(file=file, code=code, detail=detail, action=action))

    @property
    def total(self) -> int:
        """How many problems were met so far."""
        return self.by_code.total()
