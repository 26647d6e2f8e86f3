"""Proof: is the negative necessary, and which part of it? From a prompt and a list to a report."""

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from PIL import Image

from negspace import __version__
from negspace.generate import Model, load
from negspace.judge import Judge
from negspace.lab.asking import measured_of, question_of, strength_of
from negspace.lab.forecast import Forecast, forecast
from negspace.lab.picture_maker import PictureMaker, decides
from negspace.lab.picture_store import Look, PictureStore
from negspace.lab.progress import Progress
from negspace.lab.question import Ask, Question
from negspace.lab.report import Example, Report
from negspace.lab.study import FRESH, Outcome, Study
from negspace.lab.trial import Design
from negspace.lab.verdicts import Findings, ProofSizes
from negspace.lab.witness import JudgeWitness, Witness, witness_of
from negspace.lab.wording import answer_of, recommendation_of
from negspace.lab.workers import HERE, Site
from negspace.models.files.source import Source
from negspace.request import Avoid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALPHA: Final = 0.05
SMALLEST: Final = 0.1
EXAMPLES: Final = 4
"""Seeds whose pictures a report shows."""


@final
class Proof:
    """A proof under way. Iterating makes pictures; leaving off loses nothing that was made.

    Args:
        prompts: one prompt or several.
        avoid: the list: a text with commas, or terms.
        model: makes the pictures; a name, path or source is opened.
        folder: where the pictures are kept; a proof of the same question goes on with what is there.
        max_pictures: at most so many; None takes the default sizes.
        seed: of the first picture.
        witness: looks at the pictures, or a judge that does; None takes what the model allows.
        sizes: pairs of every part; None takes the default ones, or those that `max_pictures` allows.
        site: where the pictures are made; the numbers are the same everywhere.
        alpha: chance of a wrong verdict, over all terms and looks.
        smallest: net share of pictures that would be worth having.
        fields: any other field of a Request: scale, rule, steps, sampler, width, height, dialect...

    Raises:
        LabError: there is no prompt, nothing to avoid, the list names a term twice, nothing can see what is
            in the pictures, or `max_pictures` is too few.
        NegspaceError: the request is impossible for the model.
        OutputError: the folder cannot be written or is in use.
    """

    def __init__(
        self,
        prompts: str | Sequence[str],
        avoid: str | Sequence[Avoid],
        model: Model | str | Path | Source = "embedded",
        *,
        folder: Path,
        max_pictures: int | None = None,
        seed: int = 0,
        witness: Witness | Judge | None = None,
        sizes: ProofSizes | None = None,
        site: Site = HERE,
        alpha: float = ALPHA,
        smallest: float = SMALLEST,
        **fields: Any,
    ) -> None:
        self._model = model if isinstance(model, Model) else load(model)
        several = (prompts,) if isinstance(prompts, str) else tuple(prompts)
        terms = (avoid,) if isinstance(avoid, str) else tuple(one.term for one in avoid)
        self._witness = witness_for(witness, self._model, (*several, *terms))
        asked = question_of(
            self._model,
            self._witness,
            several,
            avoid,
            sizes or max_pictures,
            alpha,
            smallest,
            {"seed": seed, **fields},
        )
        self._measured = measured_of(self._model, asked)
        self._asked = replace(asked, strength=strength_of(self._measured))
        self._study = Study(self._asked, self._witness)
        dtype = self._asked.base.dtype
        self._fingerprint = self._model.network(dtype).fingerprint()
        with ExitStack() as held:
            crew = held.enter_context(closing(site.crew(self._model)))
            made_by = decides(self._model, dtype)
            self._album = held.enter_context(PictureStore(folder, made_by, self._witness.fingerprint))
            self._held = held.pop_all()
        self._maker = PictureMaker(crew, self._witness, self._album)
        self._outcome: Outcome | None = None
        self._done: dict[str, Look] = {}

    def __enter__(self) -> "Proof":
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def most(self) -> int:
        """Pictures it takes at most."""
        return self._study.most

    @property
    def asked(self) -> Question:
        """What is to be proved."""
        return self._asked

    @property
    def there(self) -> int:
        """Pictures that the folder holds, of this question or another one of this model."""
        return len(self._album)

    def ahead(self, helped: float = 0.24, harmed: float = 0.06) -> Forecast:
        """What the trial of one term will cost and find; the chances are those of a pair to help and harm."""
        asked = self._asked
        design = Design(alpha=asked.alpha, smallest=asked.smallest, most=asked.sizes.pairs)
        return forecast(design, helped, harmed)

    @property
    def made(self) -> int:
        """Pictures that this proof made itself; the others were there."""
        return self._maker.made

    def __iter__(self) -> Iterator[Progress]:
        """Make what is missing, telling how far it is after every few pictures."""
        course = self._study.course()
        looks: list[Look] | None = None
        while True:
            try:
                ask = next(course) if looks is None else course.send(looks)
            except StopIteration as end:
                self._outcome = end.value
                return
            looks = yield from self._answered(ask)

    def report(self) -> Report:
        """What it found, after making the pictures that are missing."""
        while self._outcome is None:
            for _ in self:
                pass
        examples = tuple(self._examples(self._outcome))
        return Report(self.findings(self._outcome), examples, tuple(self._figures()))

    def pairs(self, one: Avoid, seeds: Sequence[int]) -> list[tuple[Image.Image, Image.Image]]:
        """The pictures without any negative and with one term alone, made where they are missing."""
        arms = [self._asked.arms.arm("none"), self._study.alone(one)]
        shots = [[self._asked.shot(arm, seed) for arm in arms] for seed in seeds]
        for _ in self._maker.make([shot for pair in shots for shot in pair]):
            pass
        self._done |= {look.key: look for pair in shots for look in self._maker.looks(pair)}
        made = [[self._album.picture(shot) for shot in pair] for pair in shots]
        return [(one, two) for one, two in made if one is not None and two is not None]

    def findings(self, outcome: Outcome, witness: str | None = None) -> Findings:
        """What was found, with everything that it was found by."""
        asked, looks = self._asked, self._done.values()
        return Findings(
            prompts=asked.prompts,
            asked=asked.base,
            sizes=asked.sizes,
            alpha=asked.alpha,
            smallest=asked.smallest,
            model=self._model.facts.name,
            fingerprint=self._fingerprint,
            witness=witness or self._witness.name,
            verdicts=outcome.verdicts,
            whole=outcome.whole,
            controls=outcome.controls,
            smallest_list=outcome.smallest,
            confirmation=outcome.confirmation,
            tried=outcome.tried,
            recommendation=recommendation_of(outcome.tried, outcome.smallest),
            answer=answer_of(outcome.verdicts, outcome.smallest, outcome.confirmation),
            findings=asked.plan.findings,
            pictures=len(looks),
            evaluations=sum(look.evaluations for look in looks),
            versions={"negspace": __version__, **self._model.network(asked.base.dtype).versions},
        )

    def _figures(self) -> Iterator[tuple[str, "Figure"]]:
        """What was measured of the whole list, drawn: (in words, the figure)."""
        from negspace.lab import figures

        pictures = [one for one in self._measured if one.steps]
        if not pictures:
            return
        told = (
            "The predictions of one picture with the whole list, in the plane that they span, step by step."
        )
        yield told, figures.vector_diagram(pictures[0].steps)
        yield "What the whole list did at every step.", figures.strength_curves([p.account for p in pictures])
        shots = [
            [self._asked.shot(self._asked.arms.arm(name), seed) for name in ("none", "whole")]
            for seed in range(3)
        ]
        made = [tuple(self._album.picture(shot) for shot in pair) for pair in shots]
        pairs = [(one, two) for one, two in made if one is not None and two is not None]
        if pairs:
            yield "Where in the picture the whole list acted.", figures.heat_map(pairs)

    def _answered(self, ask: Ask) -> Generator[Progress, None, list[Look]]:
        left = len(ask.shots)
        for made in self._maker.make(ask.shots):
            left -= made
            yield self._progress(ask.stage, left + ask.ahead)
        looks = self._maker.looks(ask.shots)
        self._done |= {look.key: look for look in looks}
        yield self._progress(ask.stage, ask.ahead)
        return looks

    def _progress(self, stage: str, left: int) -> Progress:
        return Progress.at(stage, len(self._album), left, self._maker)

    def _examples(self, outcome: Outcome) -> Iterator[Example]:
        """The pictures to be shown, as far as they were made: each arm on its first seeds."""
        for told, arm in self._study.shown_arms(outcome.smallest):
            first = FRESH if arm.name == "smallest" else 0
            for seed in range(first, first + EXAMPLES):
                shot = self._asked.shot(arm, seed)
                look, picture = self._album.look(shot), self._album.picture(shot)
                if look is not None and picture is not None:
                    yield Example(told, shot.request.seed, look.seen, picture)


def witness_for(witness: Witness | Judge | None, model: Model, texts: Sequence[str]) -> Witness:
    """Who looks at a model's pictures.

    Args:
        witness: who was asked for.
        texts: whatever names things in the question.

    Raises:
        LabError: nobody was, and nothing here can see what is in them.
    """
    if witness is None:
        return witness_of(model.path)
    return JudgeWitness(witness, texts) if isinstance(witness, Judge) else witness


def prove(
    prompts: str | Sequence[str],
    avoid: str | Sequence[Avoid],
    model: Model | str | Path = "embedded",
    max_pictures: int | None = None,
    seed: int = 0,
    *,
    folder: Path | None = None,
    **settings: Any,
) -> Report:
    """Prove whether a negative is necessary, and which part of it.

    Args:
        prompts, avoid, model, max_pictures, seed, settings: as in `Proof`.
        folder: where the pictures are kept, so that it can go on after a stop; None keeps them nowhere.

    Raises:
        NegspaceError: as `Proof`.
    """
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="negspace-")))
        settings |= {"folder": place, "max_pictures": max_pictures, "seed": seed}
        proof = stack.enter_context(Proof(prompts, avoid, model, **settings))
        return proof.report()
