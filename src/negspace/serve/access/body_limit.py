"""Bodies that are too long are refused before they are read into memory. Pure ASGI, under everything else."""

from typing import Any

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _TooLong(HTTPException):
    """More came than may come. Of this kind, as FastAPI makes a 400 of any other while it reads a body."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the body is longer than {most} bytes, the most that is read")


class BodyLimit:
    """Refuses longer bodies with 413.

    Args:
        app: what is behind it.
        most: bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > self._most:
            await self._refuse(scope, receive, send)
            return
        came, begun = 0, False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise _TooLong(self._most)
            return message

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, noticed)
        except _TooLong:
            if not begun:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error: dict[str, Any] = {"code": "too-long", "message": _TooLong(self._most).detail, "span": None}
        await JSONResponse({"error": error}, 413, {"Connection": "close"})(scope, receive, send)
