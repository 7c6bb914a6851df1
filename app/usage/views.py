"""Use as JSON."""

from datetime import UTC, date, datetime, timedelta
from typing import Self

from pydantic import BaseModel, Field

from access.policies import Standing


class UseView(BaseModel):
    """How much is used of a limit."""

    used: float | int
    limit: int | None = Field(description="null: no limit.")


class RateView(BaseModel):
    """How a caller stands with a limit that comes back evenly."""

    limit: str = Field(description="Its name.")
    most: int = Field(description="In one window.")
    window_s: int
    remaining: int = Field(description="What may be had now.")
    reset_s: int = Field(description="Seconds until all of it may be had.")

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """A standing as JSON."""
        policy, most, remaining, reset_s = standing
        return cls(limit=policy.limit_name, most=most, window_s=policy.window_s, remaining=remaining, reset_s=reset_s)


class UsageView(BaseModel):
    """What a caller has used today, and what it may have."""

    key: str = Field(description="The id of the key; `anybody` where there are none.")
    day: date = Field(description="Today in UTC.")
    resets_at: datetime = Field(description="When the next day begins.")
    images_per_day: UseView
    device_s_per_day: UseView = Field(description="Seconds that jobs have run today, those that run now included.")
    queued: UseView = Field(description="Jobs that wait, paused ones included.")
    running: UseView
    streams: int | None = Field(description="Event streams that may be open at once; null: no limit.")
    rates: list[RateView] = Field(description="The limits of a minute or an hour, where there are any.")


def day_of(now_ms: int) -> date:
    """The day in UTC of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date()


def next_day(now_ms: int) -> datetime:
    """When the day after it begins."""
    return datetime.combine(day_of(now_ms) + timedelta(days=1), datetime.min.time(), UTC)
