"""Errors that a library answers in plain text, such as those of a `Range`: they become problems."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, answer

REPLACED = (b"content-type", b"content-length")


class PlainErrorsToProblems:
    """Answers a problem in the place of a plain text, with the status and the other headers of that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        plain: Message | None = None  # the start of a plain error, held back until its text is complete
        text = b""

        async def send_problem(message: Message) -> None:
            nonlocal plain, text
            if plain is not None:
                text += message.get("body", b"")
                if not message.get("more_body", False):
                    await answer(scope, _problem(plain, text))(scope, receive, send)
            elif message["type"] == "http.response.start" and message["status"] >= 400 and _is_plain(message):
                plain = message
            else:
                await send(message)

        await self._app(scope, receive, send_problem)


def _is_plain(start: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/plain") for name, value in start["headers"])


def _problem(start: Message, text: bytes) -> ProblemError:
    status = start["status"]
    detail = text.decode("utf-8", "replace").strip() or HTTPStatus(status).phrase
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"] if name not in REPLACED}
    return ProblemError(ProblemType.of_library(status), detail, headers=headers, status=status)
