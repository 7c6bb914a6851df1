"""The queue: a Celery app whose messages say that a job waits. The record in Redis is the truth."""

import logging

from celery import Celery

from core.redis_url import celery_url

logger = logging.getLogger(__name__)

QUEUE = "digitforge"
TRAIN_TASK = "digitforge.train"


def celery_app(redis_url: str) -> Celery:
    """The Celery app of both sides.

    Early acknowledgement and no result backend: a message that is lost is sent again by the sweeper, a doubled one
    finds nothing left to claim. A task that hangs on Redis for longer than the visibility timeout would run twice with
    late acknowledgement.
    """
    app = Celery("digitforge", broker=celery_url(redis_url))
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        worker_concurrency=1,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
    )
    return app


def enqueue(app: Celery, job_id: str) -> None:
    """Tell the workers that a job waits. Raises kombu's OperationalError when the broker is away."""
    app.send_task(TRAIN_TASK, args=[job_id])


def nudge(app: Celery, job_id: str) -> None:
    """Tell the workers of a job whose record is written. It is accepted whatever goes wrong: the sweeper tells them."""
    try:
        enqueue(app, job_id)
    except Exception as error:
        logger.warning("job %s: its message could not be sent, the sweeper will: %s", job_id, error)


def waiting_messages(app: Celery) -> int:
    """Messages that no worker has taken yet."""
    with app.connection_for_read() as connection:
        return int(connection.default_channel.client.llen(QUEUE))
