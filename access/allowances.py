"""What callers may have, and what they take of it.

Requests and images are counted in memory that the processes of an API share; a day's images, uploads and jobs in Redis.
"""

import logging
import time
from math import ceil

from redis import Redis, RedisError

from access.day_use import DAY_S, DayUse
from access.gcra import NS, US
from access.policies import IMAGES, IMAGES_A_DAY, UPLOADS, Policy, RateExceeded, Standing, exceeded
from access.shared_buckets import SharedBuckets
from core.access import Caller, Limits
from jobs.scripting import run_script

logger = logging.getLogger(__name__)


class Allowances:
    """Takes from the allowances of callers. For the event loop, but for uploads."""

    def __init__(self, defaults: Limits, buckets: SharedBuckets, redis: "Redis") -> None:
        """`defaults` are the limits of a caller that has none of its own."""
        self._defaults, self._buckets, self._redis = defaults, buckets, redis
        self._limits: dict[str, tuple[Limits, Limits]] = {}
        self.days = DayUse(redis)
        self._is_away = False

    def limits_of(self, caller: Caller) -> Limits:
        """What a caller may have, defaults included. None is no limit."""
        held = self._limits.get(caller.id)
        if held is None or held[0] is not caller.limits:
            held = self._limits[caller.id] = caller.limits, caller.limits.or_else(self._defaults)
        return held[1]

    def take(self, caller: Caller, policy: Policy, cost: int) -> Standing | None:
        """Take what is counted in memory. None where there is no limit. Raises RateExceeded."""
        limit = policy.limit(self.limits_of(caller))
        if limit is None:
            return None
        level, wait = self._buckets.take((caller.id, policy.name), policy.rate(limit, NS), cost)
        if wait != 0:
            raise exceeded(policy, limit, level, cost, wait, NS)
        return Standing.of(policy, limit, level, NS)

    def take_images(self, caller: Caller, images: int) -> list[Standing]:
        """Take images of the minute and of the day. Raises RateExceeded, and takes none then."""
        standing = self.take(caller, IMAGES, images)
        try:
            today = self._take_of_today(caller, images)
        except RateExceeded:
            self._give_back(caller, IMAGES, images)
            raise
        return [found for found in (standing, today) if found is not None]

    def give_back_images(self, caller: Caller, images: int) -> None:
        """Undo a `take_images`."""
        self._give_back(caller, IMAGES, images)
        self.days.add(caller.id, -images)

    def take_upload(self, caller: Caller, cost: int = 1) -> Standing | None:
        """Take an upload, or give one back: -1. None where there is no limit, or Redis is away. Raises RateExceeded."""
        limit = UPLOADS.limit(self.limits_of(caller))
        if limit is None:
            return None
        window_us = UPLOADS.window_s * US
        try:
            answer = run_script(self._redis, "take", "", caller.id, UPLOADS.name, limit, window_us, cost)
        except RedisError as error:
            if not self._is_away:
                logger.warning("Redis is away: uploads are not limited: %s", error)
            self._is_away = True
            return None
        self._is_away = False
        level, wait = map(int, answer.split())
        if wait != 0:
            raise exceeded(UPLOADS, limit, level, cost, None if wait < 0 else wait, US)
        return Standing.of(UPLOADS, limit, level, US)

    def standing(self, caller: Caller, policy: Policy) -> Standing | None:
        """How a caller stands with what is counted in memory. None where there is no limit."""
        limit = policy.limit(self.limits_of(caller))
        return limit if limit is None else Standing.of(policy, limit, self._buckets.level((caller.id, policy.name)), NS)

    def close(self) -> None:
        """Count in Redis what is not counted there yet, and close the connection."""
        self.days.close()
        self._redis.close()

    def _take_of_today(self, caller: Caller, images: int) -> Standing | None:
        limit = IMAGES_A_DAY.limit(self.limits_of(caller))
        if limit is not None:
            remaining = max(0, limit - self.days.used(caller.id))
            to_midnight = ceil(DAY_S - time.time() % DAY_S)
            if images > remaining:
                standing = Standing(IMAGES_A_DAY, limit, remaining, to_midnight)
                raise RateExceeded(standing, images, to_midnight if images <= limit else None)
        self.days.add(caller.id, images)
        return None if limit is None else Standing(IMAGES_A_DAY, limit, remaining - images, to_midnight)

    def _give_back(self, caller: Caller, policy: Policy, cost: int) -> None:
        limit = policy.limit(self.limits_of(caller))
        if limit is not None:
            self._buckets.give_back((caller.id, policy.name), policy.rate(limit, NS), cost)
