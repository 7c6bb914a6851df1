"""What webhooks are sent, for the OpenAPI document."""

from fastapi import FastAPI

from webhooks.message import Message
from webhooks.record import MessageType


def describe(app: FastAPI) -> None:
    """Document each type of message."""
    for kind in MessageType:
        app.webhooks.add_api_route(kind.value, _told, methods=["POST"], name=kind.value, status_code=204)


def _told(message: Message) -> None:
    """Sent to a webhook, signed by Standard Webhooks; answer with any 2xx."""
