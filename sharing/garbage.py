"""What of the store nothing names any more, and removing it.

The keys are listed first and the roots read afterwards: `shelf.json`, `datasets.json`, the documents of uploads, and
the records of jobs. So what is old in the list was named by then, is named in the roots, or never will be: writers
publish within half of the grace (`sharing/grace.py`), each under an owner of its own. A writer that froze before its
swap is refused by the fence. Keys of no known form are never removed.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from typing import Any

from core.errors import DocumentDamaged, ObjectNotFound, StoreAway, StoreError
from jobs.reader import KeptRun
from jobs.store import JobStore
from objects.document import fence
from objects.probe import SCRATCH
from objects.store import Listed, ObjectStore
from sharing.survey import Named, Survey, first_of, owner_of

DOCUMENTS = {"models": "shelf.json", "datasets": "datasets.json"}  # by the folder whose owners they name
DEPLOYMENT = "deployment"  # the key of the id of the deployment that a store belongs to
MOVING = "moving"  # the key that is there while `sharing/moving.py` fills the store
KNOWN = {DEPLOYMENT, MOVING, *DOCUMENTS.values()}
JOBS_AT_ONCE = 100
AT_ONCE = 8  # objects that are removed
ATTEMPT = re.compile(r"a(\d{3,})")


class StoreOfAnother(StoreError):
    """The records in this Redis are not those of the store's jobs."""


class Collector:
    """Collects the garbage of one deployment; any number may do so at once.

    Raises StoreAway, DocumentDamaged for a root that cannot be read, and redis' RedisError.
    """

    def __init__(self, store: ObjectStore, jobs: JobStore, grace_s: float) -> None:
        """With a grace of 0 nothing may be written meanwhile."""
        self._store, self._jobs, self._grace_s = store, jobs, grace_s

    def require_ours(self, *, adopt: bool = False) -> None:
        """Raise StoreOfAnother where the store belongs to the deployment of another Redis; `adopt` takes it over.

        By the records of another Redis, or of an empty one, the files of every job would be garbage.
        """
        if adopt:
            self._store.delete(DEPLOYMENT)
        theirs = self._deployment()
        ours = self._jobs.deployment_id(secrets.token_hex(8) if theirs is None else None)
        if theirs is None and ours is not None:
            self._store.put_once(DEPLOYMENT, ours.encode())
            theirs = self._deployment()
        if theirs != ours:
            raise StoreOfAnother("the store belongs to a deployment with another Redis, or its Redis was lost")

    def collect(self) -> Survey:
        """Remove the garbage; what was there before. `garbage` is what was removed. Raises StoreOfAnother."""
        self.require_ours()
        survey = self.survey()
        if any(first_of(one.key) in DOCUMENTS for one in survey.garbage):
            named = Named(*(fence(self._store, key) for key in DOCUMENTS.values()))
            survey.garbage = [one for one in survey.garbage if not named.keeps(one.key)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._store.delete, [one.key for one in survey.garbage]):
                pass
        return survey

    def survey(self) -> Survey:
        """Look at everything, and change nothing. What is `missing` may just have been removed with what named it."""
        survey, before_s = Survey(), self._clock_s() - self._grace_s
        published, uploads = list[Listed](), list[Listed]()
        for kind, some in groupby(survey.counting(self._store.list("")), lambda one: first_of(one.key)):
            match kind:
                case "models" | "datasets":
                    published += some
                case "uploads":
                    uploads += some
                case "runs":
                    self._look_at_runs(survey, some, before_s)
                case _ if kind == SCRATCH:  # of a probe that was killed
                    survey.add_unnamed(some, before_s)
                case _:
                    survey.unknown += (one.key for one in some if one.key not in KNOWN)
        self._look_at_published(survey, published, before_s)
        self._look_at_uploads(survey, uploads, before_s)
        survey.missing = [key for key in survey.missing if not self._store.has(key)]  # or listed too early
        return survey

    def _look_at_published(self, survey: Survey, listed: list[Listed], before_s: float) -> None:
        """Models and data sets. Where a document is not there nothing is garbage: it may have been lost."""
        contents = {folder: self._content(key) for folder, key in DOCUMENTS.items()}
        named, there = Named(*contents.values()), {one.key for one in listed}
        lost = {folder for folder, content in contents.items() if content is None}
        unnamed = (one for one in listed if first_of(one.key) not in lost and not named.keeps(one.key))
        survey.add_unnamed(unnamed, before_s)
        survey.missing += sorted(key for key in named.keys - there if first_of(key) in DOCUMENTS)

    def _look_at_uploads(self, survey: Survey, listed: list[Listed], before_s: float) -> None:
        """Pieces whose upload has no document. One that has may name its pieces in a moment, and goes as a whole."""
        there = {one.key for one in listed}
        pieces = (one for one in listed if not one.key.endswith(".json"))
        for owner, some in groupby(pieces, lambda one: owner_of(one.key)):
            if self._content(f"{owner}.json") is None:
                survey.add_unnamed(some, before_s)
        for key in sorted(key for key in there if key.endswith(".json")):
            content = self._content(key)
            if content is not None and not content.get("deleted"):  # else its pieces go, and then the document
                survey.missing += sorted(Named(content).keys - there)

    def _look_at_runs(self, survey: Survey, listed: Iterable[Listed], before_s: float) -> None:
        """The saved files of jobs, some jobs at a time."""
        by_job = ((job_id, list(some)) for job_id, some in groupby(listed, lambda one: one.key.split("/")[1]))
        while some := dict(islice(by_job, JOBS_AT_ONCE)):
            for job_id, kept in self._jobs.kept_runs(some).items():
                survey.add_unnamed(self._unnamed_of(survey, some[job_id], kept), before_s)

    def _unnamed_of(self, survey: Survey, listed: list[Listed], kept: KeptRun | None) -> Iterator[Listed]:
        """What nothing names of a job's files: without a record all, else never those of an attempt that may go on."""
        if kept is None:
            yield from listed
            return
        named = set[str]()
        if kept.saved:
            try:
                named = {kept.saved} | Named(json.loads(self._store.get(kept.saved).data)).keys
            except (ObjectNotFound, ValueError):
                survey.missing.append(kept.saved)
                return  # whatever is left may help somebody
        survey.missing += sorted(named - {one.key for one in listed})
        for one in listed:
            match = ATTEMPT.fullmatch(one.key.split("/")[2])
            if match is None:
                survey.unknown.append(one.key)
            elif one.key not in named and (kept.has_ended or int(match[1]) < kept.attempt):
                yield one

    def _deployment(self) -> str | None:
        try:
            return self._store.get(DEPLOYMENT).data.decode("ascii", "replace")
        except ObjectNotFound:
            return None

    def _content(self, key: str) -> dict[str, Any] | None:
        """The content of a document as JSON values, None where it is not there. Raises DocumentDamaged."""
        try:
            content: dict[str, Any] = json.loads(self._store.get(key).data)["content"]
            if not isinstance(content, dict):
                raise TypeError("its content is no object")
            return content
        except ObjectNotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DocumentDamaged(f"{key}: {error}") from error

    def _clock_s(self) -> float:
        """The time by the store's clock, as the times in its lists are."""
        key = f"{SCRATCH}/{secrets.token_hex(8)}"
        self._store.put_once(key, b"")
        try:
            for one in self._store.list(f"{SCRATCH}/"):
                if one.key == key:
                    return one.changed_at
        finally:
            self._store.delete(key)
        raise StoreAway("its list does not have what was just written, or another collector had no grace")
