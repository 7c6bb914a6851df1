"""Who asks, and what they may do and how much: what the API decides by, whatever a key is kept in."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ANYBODY_ID = "anybody"

Limit = Annotated[int | None, Field(ge=0, le=1_000_000_000)]


class Scope(StrEnum):
    """A right that a key gives. A closed vocabulary; `app/http/scopes.py` says which route needs which."""

    GENERATE = "generate"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    MODELS_WRITE = "models:write"
    DATASETS_WRITE = "datasets:write"
    METRICS = "metrics"
    ADMIN = "admin"


class Limits(BaseModel):
    """How much a caller may have. None is as much as the deployment gives to each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued: Limit = Field(None, description="How many of its jobs may wait.")
    running: Limit = Field(None, description="How many of its jobs may run at once.")
    streams: Limit = Field(None, description="How many event streams it may follow at once.")
    images_per_day: Limit = Field(None, description="How many images it may draw in a day.")
    device_s_per_day: Limit = Field(None, description="How many seconds its jobs may run in a day.")


class Caller(BaseModel):
    """Whoever a request comes from."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The id of its key, without a colon.")
    name: str
    scopes: frozenset[Scope]
    limits: Limits = Limits()

    def may(self, scope: Scope) -> bool:
        """Whether it has a right. `admin` has all of them."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANYBODY = Caller(id=ANYBODY_ID, name=ANYBODY_ID, scopes=frozenset(Scope))  # where there are no keys
