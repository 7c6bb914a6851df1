"""Who asks, and what they may do and how much: what the API decides by, whatever a key is kept in."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ANYBODY_ID = "anybody"

Limit = Annotated[int | None, Field(ge=0, le=1_000_000_000, strict=True)]


class Scope(StrEnum):
    """A right that a key gives. A closed vocabulary; `app/http/scopes.py` says which route needs which."""

    GENERATE = "generate"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MODELS_WRITE = "models:write"
    DATASETS_WRITE = "datasets:write"
    METRICS = "metrics"
    WATCH = "watch"  # to see what everybody does, and to draw; for links that are given to a class
    ADMIN = "admin"


WATCHED = frozenset({Scope.GENERATE, Scope.JOBS_READ})  # what `watch` is enough for


class Limits(BaseModel):
    """How much a caller may have. None is as much as the deployment gives to each; there, None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: Limit = Field(None, description="Requests, whatever they ask for.")
    images_per_minute: Limit = Field(None, description="Images drawn.")
    images_per_day: Limit = Field(None, description="Images drawn in a UTC day.")
    jobs_per_hour: Limit = Field(None, description="Jobs made.")
    uploads_per_hour: Limit = Field(None, description="Uploads begun.")
    queued: Limit = Field(None, description="Jobs that wait, paused ones included.")
    running: Limit = Field(None, description="Jobs that run at once.")
    streams: Limit = Field(None, description="Event streams that are open at once.")
    device_s_per_day: Limit = Field(None, description="Seconds that jobs run in a UTC day, added up over all of them.")

    def or_else(self, defaults: "Limits") -> "Limits":
        """These limits, and the defaults where there is none."""
        own = self.model_dump(exclude_none=True)
        return defaults.model_copy(update=own) if own else defaults


class Caller(BaseModel):
    """Whoever a request comes from."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The id of its key, without a colon.")
    name: str
    scopes: frozenset[Scope]
    limits: Limits = Limits()

    def may(self, scope: Scope) -> bool:
        """Whether it has a right. `admin` has all of them, and `watch` those to read."""
        scopes = self.scopes
        return scope in scopes or Scope.ADMIN in scopes or (Scope.WATCH in scopes and scope in WATCHED)

    def owns(self, owner: str) -> bool:
        """Whether it may change what another has made. Without keys, everybody is one and the same."""
        return self.id == owner or self.may(Scope.ADMIN)

    def may_see(self, owner: str) -> bool:
        """Whether what another has made is there for this one."""
        return self.sees_all or self.id == owner

    @property
    def sees_all(self) -> bool:
        """Whether it sees the jobs of everybody."""
        return Scope.WATCH in self.scopes or Scope.ADMIN in self.scopes


ANYBODY = Caller(id=ANYBODY_ID, name=ANYBODY_ID, scopes=frozenset(Scope))  # where there are no keys
