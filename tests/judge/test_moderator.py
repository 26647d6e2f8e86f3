"""A hosted moderator, against a live server on this machine."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from PIL import Image

from negspace.errors import JudgeError
from negspace.judge import Moderator, Panel, Quality, open_judge

RED = Image.new("RGB", (4, 3), "red")
Answer = Callable[[dict[str, Any], Any], tuple[int, bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Starts a server that answers as a function says; its address."""
    servers: list[HTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, reply = answer(body, self.headers)
                try:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(reply)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, format: str, *args: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/look"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_is_sent_and_what_is_said(serve: Callable[[Answer], str]) -> None:
    sent: list[tuple[dict[str, Any], str]] = []

    def answer(body: dict[str, Any], headers: Any) -> tuple[int, bytes]:
        sent.append((body, headers["Authorization"]))
        said = {"hat": {"seen": True, "score": 0.9}, "blood": {"seen": False}, "other": {"seen": True}}
        return 200, json.dumps({"concepts": said, "more": "is ignored"}).encode()

    ((hat, blood, cap),) = Moderator(serve(answer), key="k").look([RED], ["hat", "blood", "cap"])
    assert (hat.verdict, hat.score, blood.verdict, cap.verdict) == ("seen", 0.9, "absent", "unknown")
    (body, authorization), *rest = sent
    assert not rest and authorization == "Bearer k" and body["concepts"] == ["hat", "blood", "cap"]
    picture = Image.open(io.BytesIO(base64.b64decode(body["image"].removeprefix("data:image/png;base64,"))))
    assert picture.size == (4, 3) and picture.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("status", "reply", "why"),
    [
        (500, b"", "status 500"),
        (200, b"not json", "agreed shape"),
        (200, b'{"concepts": {"hat": {"seen": "yes"}}}', "agreed shape"),
        (200, b'{"concepts": {"hat": {}}}', "agreed shape"),
        (200, b'{"concepts": {}}', "leaves it out"),
    ],
)
def test_a_failure_is_a_verdict_and_never_a_pass(
    serve: Callable[[Answer], str], status: int, reply: bytes, why: str
) -> None:
    ((sight,),) = Moderator(serve(lambda *_: (status, reply))).look([RED], ["hat"])
    assert sight.verdict == "unknown" and why in str(sight.why_not)


def test_nobody_there_and_nobody_in_time(serve: Callable[[Answer], str]) -> None:
    def slow(*_: object) -> tuple[int, bytes]:
        time.sleep(0.5)
        return 200, b"{}"

    for address in ("http://127.0.0.1:9/", serve(slow)):
        ((sight,),) = Moderator(address, timeout=0.1).look([RED], ["hat"])
        assert sight.verdict == "unknown" and "did not answer" in str(sight.why_not)


def test_an_address_must_be_one_and_names_a_judge() -> None:
    for wrong in ("ftp://a", "http://", "file:///etc/passwd"):
        with pytest.raises(JudgeError, match="no http or https address"):
            Moderator(wrong)
    assert open_judge("http://example.org/look").fingerprint() == "http://example.org/look"
    with pytest.raises(JudgeError, match="did you mean 'quality'"):
        open_judge("qualty")


def test_a_panel_asks_the_first_who_knows(serve: Callable[[Answer], str]) -> None:
    address = serve(lambda *_: (200, b'{"concepts": {"hat": {"seen": true}}}'))
    panel = Panel([Quality(), Moderator(address)])
    ((blurry, hat),) = panel.look([RED], ["blurry", "hat"])
    assert (blurry.judge, hat.judge, hat.verdict) == ("quality", "moderator at 127.0.0.1", "seen")
    ((lost,),) = Panel([Quality()]).look([RED], ["hat"])
    assert lost.verdict == "unknown" and lost.why_not == "no judge knows it"
