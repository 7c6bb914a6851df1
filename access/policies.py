"""The limits that come back with time: what they count, in which window, and how a caller stands with one."""

from math import ceil
from typing import NamedTuple, Self

from access.gcra import Rate, rate
from core.access import Limits
from core.errors import QuotaExceeded


class Policy(NamedTuple):
    """A limit of units in a window, by its name in the field RateLimit-Policy."""

    name: str
    limit_name: str  # its field in `Limits`
    unit: str
    window_s: int

    def limit(self, limits: Limits) -> int | None:
        """What these limits say of it."""
        found: int | None = getattr(limits, self.limit_name)
        return found

    def rate(self, limit: int, second: int) -> Rate:
        """Its arithmetic, for levels in which a second is so much."""
        return rate(limit, self.window_s, second)


REQUESTS = Policy("requests", "requests_per_minute", "requests", 60)
IMAGES = Policy("images", "images_per_minute", "images", 60)
IMAGES_A_DAY = Policy("images-day", "images_per_day", "images", 86_400)
JOBS = Policy("jobs", "jobs_per_hour", "jobs", 3600)
UPLOADS = Policy("uploads", "uploads_per_hour", "uploads", 3600)


class Standing(NamedTuple):
    """How a caller stands with a policy."""

    policy: Policy
    limit: int
    remaining: int  # what it may have now
    reset_s: int  # until it may have the whole limit

    @classmethod
    def of(cls, policy: Policy, limit: int, level: int, second: int) -> Self:
        """That of a bucket with a level in which a second is so much."""
        return cls(policy, limit, policy.rate(limit, second).remaining(level), ceil(level / second))

    @classmethod
    def of_refusal(cls, policy: Policy, limit: int, retry_after_s: int) -> Self:
        """That of whoever has nothing left, and may have one unit in so many seconds."""
        return cls(policy, limit, 0, retry_after_s + policy.window_s - ceil(policy.window_s / limit) if limit else 0)


class RateExceeded(QuotaExceeded):
    """More was asked for than a policy allows now."""

    def __init__(self, standing: Standing, cost: int, retry_after_s: int | None) -> None:
        """`retry_after_s` is None where the cost is above the limit itself."""
        policy, limit, remaining, _ = standing
        why = f"this request costs {cost}, of which {remaining} {policy.unit} are left"
        super().__init__(policy.limit_name, limit, retry_after_s, why)
        self.standing = standing


def exceeded(policy: Policy, limit: int, level: int, cost: int, wait: int | None, second: int) -> RateExceeded:
    """The refusal of a cost by a bucket; `wait` is as `Rate.wait` has it."""
    later = None if wait is None else ceil(wait / second)
    return RateExceeded(Standing.of(policy, limit, level, second), cost, later)
