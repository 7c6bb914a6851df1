"""Keys as they go over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from access.key_record import KeyName, KeyRecord, NewKey
from core.access import Limits, Scope

DAY_S = 24 * 3600
LONGEST_S = 3650 * DAY_S

Seconds = Annotated[int, Field(ge=0, le=30 * DAY_S, strict=True)]


class KeyRequest(BaseModel):
    """A key that is to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "gallery", "scopes": ["generate"], "expires_s": 90 * DAY_S}]},
    )

    name: KeyName = Field(description="Who it is for.")
    scopes: list[Scope] = Field(min_length=1, description="What it may do; `admin` is everything.")
    expires_s: int | None = Field(
        None, ge=60, le=LONGEST_S, strict=True, description="Seconds that it lives; null: for ever."
    )
    limits: Limits = Field(Limits(), description="How much it may have; what is left out is as for every key.")


class RotateRequest(BaseModel):
    """How a key is given another text."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: Seconds = Field(DAY_S, description="Seconds that the text before goes on.")


class KeyView(BaseModel):
    """A key, without its text."""

    id: str
    name: str
    scopes: list[Scope]
    limits: Limits
    created_at: datetime
    rotated_at: datetime | None
    expires_at: datetime | None = Field(description="null: never.")
    previous_until: datetime | None = Field(description="How long its text before the rotation goes on.")
    last_used_at: datetime | None = Field(description="A minute or two old.")
    in_file: bool = Field(description="Whether it stands in DIGITFORGE_KEYS_FILE, and is changed there.")

    @classmethod
    def of(cls, record: KeyRecord, used_s: int | None = None, in_file: bool = False, **more: str) -> Self:
        """Show a key that was last used so many seconds after 1970."""
        return cls.model_validate(
            {
                **record.model_dump(exclude={"sha256", "previous_sha256"}),
                "last_used_at": None if used_s is None else datetime.fromtimestamp(used_s, UTC),
                "in_file": in_file,
                **more,
            }
        )


class NewKeyView(KeyView):
    """A key with its text, which is shown once."""

    key: str = Field(description="Send it as `Authorization: Bearer <key>`. It cannot be shown again.")

    @classmethod
    def of_new(cls, new: NewKey) -> Self:
        """Show a key that was just made or rotated."""
        return cls.of(new.record, key=new.text)


class KeyList(BaseModel):
    """All keys, oldest first."""

    data: list[KeyView]
