"""The judge behind an HTTP address, hosted by whoever runs it.

    POST {address}
    {"image": "data:image/png;base64,…", "concepts": ["hat", "blood"]}

    200 {"concepts": {"hat": {"seen": true, "score": 0.93}, "blood": {"seen": false}}}

`score` is a number and optional. A key, if given, is sent as `Authorization: Bearer`. No answer in time,
another status, or a concept that the answer leaves out gives the verdict "unknown" with its reason, and an
unknown verdict never counts as absent.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from negspace.errors import JudgeError
from negspace.judge.base import Judge, JudgeOpener, Picture, unknown
from negspace.records import JudgeVerdict

KEY: Final = "NEGSPACE_MODERATOR_KEY"
"""The environment variable with the key that a hosted moderator asks for."""

_LARGEST_ANSWER = 1_000_000


class _ConceptAnswer(BaseModel):
    model_config = ConfigDict(strict=True)

    seen: bool
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True)

    concepts: dict[str, _ConceptAnswer]


@final
class Moderator(Judge):
    """Asks a hosted moderator, one picture at a time.

    Args:
        address: http or https.
        timeout: seconds for one picture.
        key: sent as a bearer token; None sends none.

    Raises:
        JudgeError: the address is not of http or https.
    """

    def __init__(self, address: str, *, timeout: float = 10.0, key: str | None = None) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise JudgeError(f"the moderator {address!r} is no http or https address")
        self.address = address
        self.name = f"moderator at {parts.hostname}"
        self._timeout = timeout
        self._key = key

    def knows(self, concept: str) -> bool:
        return True

    def concepts(self) -> tuple[str, ...]:
        return ()

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        return [self._verdicts(picture, concepts) for picture in pictures]

    def fingerprint(self) -> str:
        return self.address

    def _verdicts(self, picture: Picture, concepts: Sequence[str]) -> tuple[JudgeVerdict, ...]:
        try:
            answers = self._request(picture, concepts)
        except urllib.error.HTTPError as error:
            why = f"it answered with status {error.code}"
            error.close()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            why = f"its answer is not of the agreed shape: {'.'.join(map(str, first['loc']))} {first['msg']}"
        except (OSError, ValueError) as error:  # URLError and timeouts are OSErrors
            why = f"it did not answer: {getattr(error, 'reason', None) or error}"
        else:
            return tuple(self._verdict(concept, answers) for concept in concepts)
        return tuple(unknown(concept, self.name, why) for concept in concepts)

    def _request(self, picture: Picture, concepts: Sequence[str]) -> Mapping[str, _ConceptAnswer]:
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, format="PNG")  # pixels alone: no prompt travels with them
        image = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        body = json.dumps({"image": image, "concepts": list(concepts)}).encode()
        request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=self._timeout) as reply:
            return _Answer.model_validate_json(reply.read(_LARGEST_ANSWER)).concepts

    def _verdict(self, concept: str, answers: Mapping[str, _ConceptAnswer]) -> JudgeVerdict:
        if concept not in answers:
            return unknown(concept, self.name, "its answer leaves it out")
        answer = answers[concept]
        verdict = "seen" if answer.seen else "absent"
        return JudgeVerdict(concept=concept, judge=self.name, verdict=verdict, score=answer.score)


def _opener(scheme: str) -> JudgeOpener:
    return lambda text: Moderator(f"{scheme}:{text}", key=os.environ.get(KEY))


OPENERS: Final = {scheme: _opener(scheme) for scheme in ("http", "https")}
"""An address names a moderator by itself: its scheme is the name, the rest the text."""
