"""The file that says which models are active: one of the whole shelf, and one of each data set.

    <model id>                       of the whole shelf,
    <model id>                       the one that was active before,
    <number>                         and how often anything in this file was changed
    <data set> <model id> <model id> of a data set, and the one before; a line each

A `-` is no model. The file changes by one rename, so its lines always agree. Until 0.1 it had only the first three.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from core.files import write_file

_NONE = "-"


class Active(NamedTuple):
    """The id of a model that was made active, and of the one before it; None where none was."""

    model: str | None = None
    previous: str | None = None


NEVER = Active()


@dataclass(frozen=True)
class ActiveModels:
    """What was made active, as it was written down. Whether those models are still there is another question."""

    overall: Active = NEVER
    changes: int = 0
    datasets: Mapping[str, Active] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file; without one, nothing was made active."""
        try:
            words = path.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return cls()
        head, tail = words[:3], iter(words[3:])
        datasets = {name: Active(_id(now), _id(before)) for name, now, before in zip(tail, tail, tail, strict=True)}
        overall = Active(*map(_id, head[:2]))
        return cls(overall, int(head[2]) if len(head) > 2 else 0, datasets)

    def write(self, path: Path) -> None:
        """Replace the file."""
        lines = [*map(_word, self.overall), str(self.changes)]
        lines += [" ".join((name, *map(_word, active))) for name, active in sorted(self.datasets.items())]
        write_file(path, "".join(f"{line}\n" for line in lines).encode("ascii"))


def overall_model(path: Path) -> str | None:
    """The active model of the whole shelf, as `ActiveModels.read` has it. Each drawing asks for it."""
    try:
        first = path.read_bytes().partition(b"\n")[0].decode("ascii")
    except FileNotFoundError:
        return None
    return _id(first)


def _id(word: str) -> str | None:
    return None if word == _NONE else word


def _word(model_id: str | None) -> str:
    return model_id or _NONE
