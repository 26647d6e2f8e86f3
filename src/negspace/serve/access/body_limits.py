"""Limits on the bodies of requests: their length, and the time that they take to arrive."""

import asyncio
import time
from collections.abc import Callable
from typing import final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from negspace.serve.refusal import Refusal


class _TooLong(HTTPException):
    """The body is too long. An HTTPException, because FastAPI turns other errors while reading into a 400."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the body is longer than {most} bytes, the most that is read")


class _TooSlow(HTTPException):
    """The body takes too long to arrive; an HTTPException for the reason above."""

    def __init__(self, seconds: float) -> None:
        super().__init__(408, f"the body took longer than {seconds:g} seconds, the most that is waited")


@final
class BodyLimits:
    """Refuses bodies that are too long, with 413 before they are read into memory, or too slow, with 408.

    Pure ASGI, outside of everything that reads a body.

    Args:
        app: the application behind it.
        most: bytes.
        seconds: that a body may take, from its first byte to its last.
        refuse: answers a request that is refused.
    """

    def __init__(
        self, app: ASGIApp, most: int, seconds: float, refuse: Callable[[Scope, Refusal], Response]
    ) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds
        self._refusal_response = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._most:
            await self._refuse(_TooLong(self._most), scope, receive, send)
            return
        received, complete, answered = 0, False, False
        until = time.monotonic() + self._seconds

        async def counting_receive() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()  # waits for the client to leave, as long as it likes
            try:
                message = await asyncio.wait_for(receive(), until - time.monotonic())
            except TimeoutError:
                raise _TooSlow(self._seconds) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._most:
                raise _TooLong(self._most)
            return message

        async def recording_send(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counting_receive, recording_send)
        except (_TooLong, _TooSlow) as error:
            if not answered:
                await self._refuse(error, scope, receive, send)

    async def _refuse(self, error: _TooLong | _TooSlow, scope: Scope, receive: Receive, send: Send) -> None:
        code = "too-long" if isinstance(error, _TooLong) else "too-slow"
        response = self._refusal_response(scope, Refusal(error.detail, error.status_code, code))
        response.headers["Connection"] = "close"  # the rest of its body is not read
        await response(scope, receive, send)
