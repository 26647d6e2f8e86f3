"""Judges that users bring: taggers, vision-language models, NudeNet and ShieldGemma.

A tagger's network is drawn here as an ONNX file by hand; the others are stand-ins with the real interface.
"""

import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from negspace.errors import JudgeError
from negspace.judge import open_judge
from negspace.judge.judges.nudenet import NudeNet
from negspace.judge.judges.shieldgemma import POLICIES
from negspace.judge.judges.tagger import _square
from negspace.judge.judges.vision_language import _yes_or_no, _yes_share

RED, BLUE = Image.new("RGB", (40, 20), (250, 0, 0)), Image.new("RGB", (20, 40), (0, 0, 250))


class TestVisionLanguage:
    """Against a server that answers as OpenAI's interface does."""

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        """Its `answer` is a function of the question's text that gives a choice."""
        asked: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send({"data": [{"id": name} for name in serving.models]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append(body)
                choice = serving.answer(body["messages"][0]["content"][1]["text"])
                self._send({"choices": [choice]} if choice is not None else {"error": "no"})

            def _send(self, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        httpd = HTTPServer(("127.0.0.1", 0), Handler)
        address = f"http://127.0.0.1:{httpd.server_address[1]}/v1"
        serving = SimpleNamespace(address=address, asked=asked, models=["tiny"], answer=lambda text: None)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        yield serving
        httpd.shutdown()
        thread.join()
        httpd.server_close()

    def test_each_term_is_asked_alone_and_scored_by_log_probabilities(self, server: Any) -> None:
        def answer(text: str) -> dict[str, Any]:
            shares = {"Yes": 0.6, " no": 0.15, "maybe": 0.25} if '"hat"' in text else {"No": 0.9, "yes": 0.1}
            top = [{"token": token, "logprob": math.log(share)} for token, share in shares.items()]
            first = {"token": top[0]["token"], "logprob": top[0]["logprob"], "top_logprobs": top}
            return {"message": {"content": top[0]["token"]}, "logprobs": {"content": [first]}}

        server.answer = answer
        judge = open_judge(f"vlm:{server.address}")
        rows = judge.look([RED, BLUE], ("hat", "fog"))
        assert [[verdict.verdict for verdict in row] for row in rows] == [["seen", "absent"]] * 2
        assert rows[0][0].score == pytest.approx(0.8) and rows[0][1].score == pytest.approx(0.1)
        assert not rows[0][0].calibrated and rows[0][0].unit == "P(yes)"
        assert len(server.asked) == 4 and {body["model"] for body in server.asked} == {"tiny"}
        assert judge.fingerprint() == f"{server.address}#tiny"

    def test_without_log_probabilities_the_word_decides_without_a_score(self, server: Any) -> None:
        server.answer = lambda text: {"message": {"content": "Yes." if "hat" in text else "I cannot tell"}}
        ((hat, fog),) = open_judge(f"vlm:{server.address}#tiny").look([RED], ("hat", "fog"))
        assert (hat.verdict, hat.score, hat.calibrated) == ("seen", None, False)
        assert fog.verdict == "unknown" and "neither yes nor no" in str(fog.why_not)

    def test_no_answer_is_unknown(self, server: Any) -> None:
        ((verdict,),) = open_judge(f"vlm:{server.address}#tiny").look([RED], ("hat",))
        assert verdict.verdict == "unknown" and "agreed shape" in str(verdict.why_not)
        ((verdict,),) = open_judge("vlm:http://127.0.0.1:9/v1#tiny").look([RED], ("hat",))
        assert verdict.verdict == "unknown" and "did not answer" in str(verdict.why_not)

    def test_which_model_must_be_clear(self, server: Any) -> None:
        server.models = ["a", "b"]
        with pytest.raises(JudgeError, match="2 models: a, b"):
            open_judge(f"vlm:{server.address}")
        for text in ("vlm:", "vlm:ftp://x#m", "vlm:http://127.0.0.1:9/v1"):
            with pytest.raises(JudgeError):
                open_judge(text)

    def test_answers_by_hand(self) -> None:
        words = {
            "Yes": True,
            " no.": False,
            "NO,": False,
            "▁yes": True,
            "not": None,
            "": None,
            "yesterday": None,
        }
        assert {word: _yes_or_no(word) for word in words} == words
        assert _yes_share({"logprobs": None}) is None and _yes_share({}) is None


class TestNudeNet:
    """The package returns dicts with class, score and box; boxes are left, top, width, height in pixels."""

    @pytest.fixture
    def package(self, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
        looked: list[np.ndarray] = []

        class NudeDetector:
            def detect(self, image_path: np.ndarray) -> list[dict[str, Any]]:
                looked.append(image_path)
                return [
                    {"class": "FACE_FEMALE", "score": 0.81, "box": [10, 5, 10, 10]},
                    {"class": "BUTTOCKS_EXPOSED", "score": 0.7, "box": [30, 10, 20, 20]},
                    {"class": "FEMALE_BREAST_EXPOSED", "score": 0.3, "box": [0, 0, 4, 4]},
                ]

        module = ModuleType("nudenet")
        vars(module).update(NudeDetector=NudeDetector)
        monkeypatch.setitem(__import__("sys").modules, "nudenet", module)
        return looked

    def test_exposed_parts_are_nudity(self, package: list[np.ndarray]) -> None:
        judge = open_judge("nudenet")
        ((nude, topless, face, hat),) = judge.look([RED], ("nudity", "topless", "face", "hat"))
        assert [verdict.verdict for verdict in (nude, topless, face, hat)] == [
            "seen",
            "absent",
            "seen",
            "unknown",
        ]
        assert nude.boxes == ((0.75, 0.5, 1.0, 1.0),) and nude.score == 0.7
        assert package[0][0, 0].tolist() == [0, 0, 250]  # blue first

    def test_it_is_not_required(self) -> None:
        with pytest.raises(JudgeError, match="AGPL"):
            NudeNet()


class TestShieldGemma:
    """The processor gives a row for each picture and policy, the network P(yes) and P(no)."""

    def test_it_answers_policies(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "model.safetensors").write_bytes(b"weights")
        asked: list[Sequence[str]] = []

        def processor(*, images: Sequence[Image.Image], policies: list[str], return_tensors: str) -> Mapping:
            asked.append(policies)
            return {"rows": [float(policy == "sexual") for policy in policies]}

        class Network:
            def eval(self) -> "Network":
                return self

            def __call__(self, rows: list[float]) -> Any:
                yes = torch.tensor(rows) * 0.8 + 0.1
                return SimpleNamespace(probabilities=torch.stack([yes, 1 - yes], dim=1))

        for kind, loaded in (
            (transformers.AutoProcessor, processor),
            (transformers.ShieldGemma2ForImageClassification, Network()),
        ):
            monkeypatch.setattr(kind, "from_pretrained", lambda _, loaded=loaded, **__: loaded)
        judge = open_judge(f"shieldgemma:{tmp_path}")
        ((nude, gore, hat),) = judge.look([RED], ("nudity", "gore", "hat"))
        assert [verdict.verdict for verdict in (nude, gore, hat)] == ["seen", "absent", "unknown"]
        assert nude.score == pytest.approx(0.9) and sorted(asked[0]) == ["sexual", "violence"]

    def test_the_stand_in_has_the_real_interface(self) -> None:
        from transformers.models.shieldgemma2 import processing_shieldgemma2 as real

        assert set(POLICIES) == set(real.DEFAULT_SHIELDGEMMA2_POLICIES)
        assert "images" in signature(real.ShieldGemma2Processor.__call__).parameters
        with pytest.raises(JudgeError, match="no ShieldGemma in"):
            open_judge("shieldgemma:nowhere")


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field of a Protocol Buffers message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _value_info(name: str, sides: Sequence[int | str]) -> bytes:
    dims = b"".join(_field(1, _field(1 if isinstance(side, int) else 2, side)) for side in sides)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind) + attributes


def _mean_colours(side: int) -> bytes:
    """An ONNX file (onnx.proto3): [n, side, side, 3] to [n, 4], the means of the first and last channel / 255
    and twice 0."""
    weights = np.zeros((3, 4), np.float32)
    weights[0, 0] = weights[2, 1] = 1 / 255
    tensor = _field(1, 3) + _field(1, 4) + _field(2, 1) + _field(8, "w") + _field(9, weights.tobytes())
    axes = _field(5, _field(1, "axes") + _field(8, 1) + _field(8, 2) + _field(20, 7))
    flat = _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, 2))
    graph = (
        _field(1, _node("ReduceMean", ["x"], "mean", axes + flat))
        + _field(1, _node("MatMul", ["mean", "w"], "y"))
        + _field(2, "tagger")
        + _field(5, tensor)
        + _field(11, _value_info("x", ["n", side, side, 3]))
        + _field(12, _value_info("y", ["n", 4]))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


class TestTagger:
    """A network that answers with the mean blue and red of what it sees, / 255."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "model.onnx").write_bytes(_mean_colours(side=16))
        names = ["blue_theme", "red_theme", "bad_hands", "nude"]
        rows = [f"{index},{name},0,9" for index, name in enumerate(names)]
        (tmp_path / "selected_tags.csv").write_text("\n".join(["tag_id,name,category,count", *rows]))
        return tmp_path

    def test_tags_are_concepts(self, folder: Path) -> None:
        judge = open_judge(f"tagger:{folder}")
        assert judge.knows("bad hands") and judge.knows("nudity") and not judge.knows("teapot")
        rows = judge.look([RED, BLUE], ("red theme", "blue theme", "bad hands", "teapot"))
        # Half of a picture of 40x20 in a square is white paper.
        assert [verdict.verdict for verdict in rows[0]] == ["seen", "seen", "absent", "unknown"]
        assert rows[0][0].score == pytest.approx((250 / 255 + 1) / 2, abs=0.02)
        assert rows[0][1].score == pytest.approx(0.5, abs=0.02)

    def test_a_list_of_another_length_is_refused(self, folder: Path) -> None:
        (folder / "selected_tags.csv").write_text("tag_id,name\n0,red\n")
        with pytest.raises(JudgeError, match="holds no tagger"):
            open_judge(f"tagger:{folder}")
        (folder / "model.onnx").write_bytes(b"no network")
        with pytest.raises(JudgeError, match="cannot be opened"):
            open_judge(f"tagger:{folder}")


def test_a_tagger_sees_a_white_square_blue_first() -> None:
    square = _square(RED, 16)
    assert square.shape == (1, 16, 16, 3) and square[0, 0, 0].tolist() == [255, 255, 255]
    assert square[0, 8, 8].tolist() == [0, 0, 250]
