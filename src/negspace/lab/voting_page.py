"""The page on which a person votes: one pair at a time, by keyboard, served to this machine alone."""

import threading
import time
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Literal

import uvicorn
from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response

from negspace.errors import LabError
from negspace.lab.report import render_template

if TYPE_CHECKING:
    from negspace.lab.voting import VotingSession

NO_STORE = {"Cache-Control": "no-store"}


def app(session: "VotingSession", done: threading.Event) -> FastAPI:
    """The web application of the page; it sets `done` once all is decided, or the person has had enough."""
    application = FastAPI(title="Negspace vote", docs_url=None, redoc_url=None, openapi_url=None)
    one_at_a_time = threading.Lock()

    @application.get("/", response_class=HTMLResponse)
    def page() -> str:
        return render_template("vote.html")

    @application.get("/pair")
    def pair() -> dict[str, object]:
        """The current pair, without saying which picture is on which side."""
        with one_at_a_time:
            current = session.next_pair()
            if current is None:
                done.set()
                return {"voted": session.voted, "done": True}
            session.pictures(current)  # made now, so that the page can say that it waits
            return {
                "number": current.number,
                "voted": session.voted,
                "most": session.most,
                "prompt": current.prompt,
                "avoid": current.term,
                "done": False,
            }

    @application.get("/picture/{number}/{side}")
    def picture(number: int, side: Literal["left", "right"]) -> Response:
        with one_at_a_time:
            current = session.next_pair()
            if current is None or current.number != number:
                raise HTTPException(404, "not the pair at hand")
            shown = session.pictures(current)[0 if side == "left" else 1]
        buffer = BytesIO()
        shown.save(buffer, format="PNG")  # without its receipt, which would give it away
        return Response(buffer.getvalue(), media_type="image/png", headers=NO_STORE)

    @application.post("/vote")
    def vote(
        number: Annotated[int, Body()], answer: Annotated[Literal["left", "right", "both", "neither"], Body()]
    ) -> dict[str, int]:
        with one_at_a_time:
            try:
                session.vote(number, answer)
            except LabError as error:
                raise HTTPException(409, str(error)) from None
            return {"voted": session.voted}

    @application.post("/enough")
    def enough() -> dict[str, int]:
        done.set()
        return {"voted": session.voted}

    return application


class VotingServer:
    """Serves the page at `url`, on this machine, until the vote is over; port 0 takes a free one."""

    def __init__(self, session: "VotingSession", port: int = 0) -> None:
        self._done = threading.Event()
        settings = uvicorn.Config(app(session, self._done), host="127.0.0.1", port=port, log_level="error")
        self._server = uvicorn.Server(settings)
        self._socket = settings.bind_socket()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def __enter__(self) -> "VotingServer":
        self._thread.start()
        while not self._server.started and self._thread.is_alive():  # until it listens
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until everything is decided or the person has had enough; returns whether that happened."""
        return self._done.wait(seconds)
