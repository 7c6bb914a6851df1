"""What is wrong with the files of an import, in pages."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from app.http.urls import url
from core.import_report import FileProblem
from core.import_vocabulary import ProblemCode


class ProblemPage(BaseModel):
    """What is wrong with the files of an import, in the order in which they came."""

    data: list[FileProblem]
    has_more: bool
    next: str | None = Field(description="The URL of the next page.")


class _Wanted(BaseModel):
    limit: int
    after: int
    code: ProblemCode | None


def _wanted(
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int, Query(ge=0, le=2**53 - 1, description="How many lines of the list to leave out.")] = 0,
    code: Annotated[ProblemCode | None, Query(description="Problems of this kind only.")] = None,
) -> _Wanted:
    return _Wanted(limit=limit, after=after, code=code)


WantedDep = Annotated[_Wanted, Depends(_wanted)]


def problem_page(file: Path | None, route: str, wanted: _Wanted) -> ProblemPage:
    """A page of a `problems.jsonl`, which need not be there, or of none; `route` is the path of the page."""
    rows = list(islice(_rows(file, wanted), wanted.limit + 1))
    page, has_more = rows[: wanted.limit], len(rows) > wanted.limit
    query = f"limit={wanted.limit}&after={page[-1][0]}" if has_more else ""
    query += f"&code={wanted.code}" if wanted.code else ""
    return ProblemPage(
        data=[FileProblem.model_validate_json(line) for _, line in page],
        has_more=has_more,
        next=url(f"{route}?{query}") if has_more else None,
    )


def _rows(file: Path | None, wanted: _Wanted) -> Iterator[tuple[int, bytes]]:
    """The lines that are wanted, each with its number from 1."""
    if file is None:
        return
    needed = f'"code":"{wanted.code}"'.encode() if wanted.code else b""  # within a text the quotes are escaped
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if number > wanted.after and needed in line:
                    yield number, line
    except FileNotFoundError:
        return
