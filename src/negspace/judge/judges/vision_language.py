"""A vision-language model behind an OpenAI-compatible address, asked about each term alone.

    negspace check pictures --policy brand-safety --judge vlm:http://127.0.0.1:8000/v1#qwen3-vl

One question a term and picture: "Is there {term} in this picture?" Where the server gives log-probabilities,
the score is P(yes) / (P(yes) + P(no)) of the first token, as in VQAScore (Lin et al. 2024) and Soft-TIFA
(GenEval 2, arXiv 2512.16853), and seen from one half. Elsewhere the word alone decides, without a score.
Neither is calibrated. No answer, or one that is neither yes nor no, is "unknown" with its reason.

The model is named after #; without it the only one that the server lists is taken. A key is read from
NEGSPACE_VLM_KEY. Pictures leave this machine for that address.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import product
from math import exp
from typing import Any, Final, final
from urllib.parse import urlsplit

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import Judge, JudgeOpener, Picture, unknown
from negspace.judge.pool import each
from negspace.records import JudgeVerdict

KEY: Final = "NEGSPACE_VLM_KEY"
"""The environment variable with the key of the server."""

QUESTION: Final = 'Is there "{}" in this picture? Answer with one word, yes or no.'

_LARGEST_ANSWER = 1_000_000


@final
class VisionLanguage(Judge):
    """Asks a vision-language model, a term at a time.

    Args:
        address: of the interface, up to /v1.
        model: its name; None takes the only one that the server lists.
        timeout: seconds for one question.
        key: sent as a bearer token; None sends none.

    Raises:
        JudgeError: the address is not of http or https, or the server does not say which model to take.
    """

    def __init__(
        self, address: str, model: str | None = None, *, timeout: float = 60.0, key: str | None = None
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise JudgeError(f"{address!r} is no http or https address: vlm:http://HOST/v1#MODEL")
        self.address = address.rstrip("/")
        self._timeout, self._key = timeout, key
        self.model = model or self._only_model()
        self.name = f"{self.model} at {parts.hostname}"

    def knows(self, concept: str) -> bool:
        return bool(phrase(concept))

    def concepts(self) -> tuple[str, ...]:
        return ()

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        images = each(_data_url, pictures)
        verdicts = iter(each(lambda question: self._verdict(*question), product(images, concepts)))
        return [tuple(next(verdicts) for _ in concepts) for _ in pictures]

    def fingerprint(self) -> str:
        return f"{self.address}#{self.model}"

    def _only_model(self) -> str:
        try:
            names = [entry["id"] for entry in self._reply("/models", None)["data"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JudgeError(
                f"{self.address} does not list its models ({_reason(error)}); name one: vlm:ADDRESS#MODEL"
            ) from None
        if len(names) != 1:
            raise JudgeError(f"{self.address} has {len(names)} models: {', '.join(names)}; name one after #")
        return names[0]

    def _verdict(self, image: str, concept: str) -> JudgeVerdict:
        try:
            choice = self._reply("/chat/completions", self._question(image, concept))["choices"][0]
            text = str(choice["message"]["content"])
            score = _yes_share(choice)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            return unknown(concept, self.name, f"it did not answer: {_reason(error)}")
        if score is not None:
            seen = "seen" if score >= 0.5 else "absent"
            return JudgeVerdict(
                concept=concept,
                judge=self.name,
                verdict=seen,
                score=round(score, 6),
                threshold=0.5,
                unit="P(yes)",
            )
        answer = _yes_or_no(text)
        if answer is None:
            return unknown(concept, self.name, f"it answered neither yes nor no: {text[:60]!r}")
        return JudgeVerdict(concept=concept, judge=self.name, verdict="seen" if answer else "absent")

    def _question(self, image: str, concept: str) -> dict[str, Any]:
        content = [
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "text", "text": QUESTION.format(concept)},
        ]
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 4,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 20,
        }

    def _reply(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=self._timeout) as reply:
            return json.loads(reply.read(_LARGEST_ANSWER))


def _data_url(picture: Picture) -> str:
    """The pixels alone: no prompt travels with them."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, format="PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _yes_share(choice: dict[str, Any]) -> float | None:
    """P(yes) / (P(yes) + P(no)) of the first token; None where the server gives no log-probabilities, or
    neither word is among the likeliest."""
    tokens = (choice.get("logprobs") or {}).get("content") or ()
    if not tokens:
        return None
    masses = {True: 0.0, False: 0.0}
    for answer, logprob in _answers(tokens[0].get("top_logprobs") or [tokens[0]]):
        masses[answer] += exp(logprob)
    total = sum(masses.values())
    return masses[True] / total if total > 0 else None


def _answers(tokens: Sequence[dict[str, Any]]) -> Iterator[tuple[bool, float]]:
    for token in tokens:
        answer = _yes_or_no(token["token"])
        if answer is not None:
            yield answer, float(token["logprob"])


def _yes_or_no(text: str) -> bool | None:
    word = text.strip(" \n\t.,!\"'*▁Ġ").casefold().split(",")[0].split(" ")[0].strip(".,!")
    return {"yes": True, "no": False}.get(word)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"status {error.code}"
    if isinstance(error, KeyError | IndexError | TypeError):
        return "its answer is not of the agreed shape"
    return " ".join(str(getattr(error, "reason", None) or error).split())


def _open(text: str) -> VisionLanguage:
    address, _, model = text.partition("#")
    return VisionLanguage(address, model or None, key=os.environ.get(KEY))


OPENERS: Final[dict[str, JudgeOpener]] = {"vlm": _open}
