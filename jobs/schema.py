"""The schema number of what is in Redis, as `core/schema.py` has it of the data folder."""

import logging
from typing import Any

from redis import Redis, RedisError

from core.schema import SCHEMA, require_readable
from jobs.keys import SCHEMA_KEY
from jobs.redis_client import connect
from jobs.redis_start import explain, require_usable

logger = logging.getLogger(__name__)


def claim_redis(url: str) -> None:
    """Refuse the Redis of a newer version, or one that cannot be used, with a StartError; else note ours.

    A Redis that is away is asked at the next start: that of the data folder was read by then.
    """
    redis = connect(url)
    try:
        require_usable(redis, url)
        found: Any = redis.get(SCHEMA_KEY)
        require_readable(found or "", SCHEMA_KEY)
        if found != str(SCHEMA):
            note(redis, str(SCHEMA))
    except RedisError as error:
        explain(error, redis, url)
        logger.warning("the schema number in Redis is not known: %s", error)
    finally:
        redis.close()


def note(redis: "Redis", what: str) -> None:
    """Write down the number, or that a restore is under way."""
    redis.set(SCHEMA_KEY, what)
