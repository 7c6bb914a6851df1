"""What is known of the images that came, beside their pixels."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from core.import_limits import MOST_BAD_SHARE
from core.import_report import FileProblem
from worker.importing.problems import Problems
from worker.importing.raw import RawImage, Source, SourceRejected, Split
from worker.importing.spool import Spool

TOLD_EVERY = 16  # items: a large picture may take a second


@dataclass
class Arrivals:
    """File, label and split of each image, in the order in which they came, and their modes."""

    files: list[str] = field(default_factory=list)
    labels: list[str | int | None] = field(default_factory=list)
    splits: list[Split | None] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.files)

    def add(self, image: RawImage) -> None:
        """Note an image."""
        self.files.append(image.file)
        self.labels.append(image.label)
        self.splits.append(image.split)
        self.modes[image.mode] += 1


def collect(source: Source, spool: Spool, problems: Problems, tell: Callable[[int], object]) -> Arrivals:
    """Read a source to its end. Raises SourceRejected, also where too many of its files are bad."""
    came, done = Arrivals(), 0
    for item in source:
        if isinstance(item, FileProblem):
            problems.add(item)
            if item.action != "dropped":  # its image comes next
                continue
        else:
            spool.add(item)
            came.add(item)
        done += 1
        if done % TOLD_EVERY == 0:
            tell(done)
    if problems.bad > MOST_BAD_SHARE * (problems.bad + len(came)):
        raise SourceRejected(
            f"{problems.bad} of {problems.bad + len(came)} files cannot be used; allowed: {MOST_BAD_SHARE:.0%}. "
            "The problems say what is wrong with each"
        )
    return came
