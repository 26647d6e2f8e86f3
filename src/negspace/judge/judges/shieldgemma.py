"""Google's ShieldGemma 2 in a folder that the user has downloaded, under the licence of its makers.

It answers whether a picture breaks a policy on sexual, violent or dangerous content; the score is its
probability of "yes", seen from one half.

    negspace check pictures --policy brand-safety --judge shieldgemma:shieldgemma-2-4b-it
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, final

import torch

from negspace.avoid.matching import phrase
from negspace.errors import JudgeError
from negspace.judge.base import Judge, JudgeOpener, Picture, unknown
from negspace.models.files.fingerprint import fingerprint
from negspace.records import JudgeVerdict

POLICIES: Final = ("dangerous", "sexual", "violence")
"""Its own names of the questions."""
THRESHOLD: Final = 0.5

_WORDS: Final = {
    "sexual": ("nudity", "nude", "naked", "nsfw", "porn", "pornographic", "explicit sex", "sexual content"),
    "violence": ("gore", "gory", "violence", "graphic violence", "dismemberment", "mutilated"),
    "dangerous": ("dangerous content", "self-harm", "terrorism"),
}
_KNOWN: Final = {phrase(word): policy for policy, words in _WORDS.items() for word in words}


@final
class ShieldGemma(Judge):
    """Looks for sexual, violent and dangerous content.

    Args:
        folder: of a ShieldGemma 2 in the layout of transformers.

    Raises:
        JudgeError: there is none in it.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.name = f"shieldgemma {self.folder.name}"
        self._processor, self._model = _load(self.folder)

    def knows(self, concept: str) -> bool:
        return phrase(concept) in _KNOWN

    def concepts(self) -> tuple[str, ...]:
        return tuple(words[0] for words in _WORDS.values())

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        policies = tuple({_KNOWN[phrase(name)]: None for name in concepts if self.knows(name)})
        rows = [self._scores(picture, policies) if policies else {} for picture in pictures]
        return [tuple(self._verdict(concept, scores) for concept in concepts) for scores in rows]

    def fingerprint(self) -> str:
        return fingerprint(self.folder, self.folder.glob("*.safetensors"))

    def _scores(self, picture: Picture, policies: Sequence[str]) -> dict[str, float]:
        """Its probability of "yes" by policy; one row a policy, columns yes and no."""
        inputs = self._processor(
            images=[picture.convert("RGB")], policies=list(policies), return_tensors="pt"
        )
        with torch.inference_mode():
            yes = self._model(**inputs).probabilities[:, 0].tolist()
        return dict(zip(policies, yes, strict=True))

    def _verdict(self, concept: str, scores: dict[str, float]) -> JudgeVerdict:
        if not self.knows(concept):
            return unknown(concept, self.name, "none of its policies is about that")
        score = scores[_KNOWN[phrase(concept)]]
        return JudgeVerdict(
            concept=concept,
            judge=self.name,
            verdict="seen" if score >= THRESHOLD else "absent",
            score=round(score, 6),
            threshold=THRESHOLD,
            unit="P(yes)",
        )


def _load(folder: Path) -> tuple[Any, Any]:
    """(processor, model)."""
    if not (folder / "config.json").is_file():
        raise JudgeError(f"no ShieldGemma in {str(folder)!r}: it has no config.json; shieldgemma:FOLDER")
    import transformers  # a second that other judges do not take

    try:
        processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
        model = transformers.ShieldGemma2ForImageClassification.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise JudgeError(
            f"ShieldGemma in {folder} cannot be opened: {' '.join(str(error).split())[:200]}"
        ) from None
    return processor, model.eval()


def _open(text: str) -> ShieldGemma:
    return ShieldGemma(text)


OPENERS: Final[dict[str, JudgeOpener]] = {"shieldgemma": _open}
