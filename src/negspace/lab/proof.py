"""A proof: is the negative necessary, and which part of it? From a prompt and a list to a report."""

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from PIL import Image

from negspace import __version__
from negspace.errors import LabError
from negspace.generate import Model, load
from negspace.judge import Judge
from negspace.lab.picture_maker import PictureMaker, Progress
from negspace.lab.picture_store import PictureRecord, Planning
from negspace.lab.question import PicturesNeeded, Question, build_question
from negspace.lab.report import Example, Report
from negspace.lab.results import ProofResult, ProofSizes
from negspace.lab.site import HERE, Site
from negspace.lab.study import FRESH, Study, StudyResult
from negspace.lab.trial import Forecast, Trial, forecast
from negspace.lab.vectors import MEASURED, PictureVectors, effective_scale, measure_vectors
from negspace.lab.witness import Witness, choose_witness
from negspace.lab.wording import answer_text, recommendation_text
from negspace.models.files.source import Source
from negspace.request import Avoid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALPHA: Final = 0.05
SMALLEST: Final = 0.1
EXAMPLES: Final = 4
"""Seeds whose pictures a report shows."""


@final
class Proof(AbstractContextManager["Proof"]):
    """A proof that is being made. Iterating makes pictures; it may stop at any moment and lose nothing.

    Args:
        avoid: the list: a text with commas, or terms.
        model: generates the pictures; a name, path or source is opened.
        folder: where the pictures are kept; a proof of the same question continues with those that exist.
        max_pictures: at most so many; None takes the default sizes.
        seed: of the first picture.
        witness: looks at the pictures; a judge can do so, too. None chooses by the model.
        sizes: pairs of every part; None takes the default sizes, or those that `max_pictures` allows.
        site: where the pictures are made; the numbers are the same everywhere.
        alpha: chance of a wrong verdict, over all terms and inspections.
        smallest: the smallest net share of pictures that is worth having.
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
        terms = (avoid,) if isinstance(avoid, str) else tuple(avoided.term for avoided in avoid)
        self._witness = choose_witness(witness, self._model, (*several, *terms))
        plan = self._model.planner()
        question = build_question(
            self._model.facts,
            plan,
            self._witness,
            several,
            avoid,
            sizes=sizes or max_pictures,
            alpha=alpha,
            smallest=smallest,
            fields={"seed": seed, **fields},
        )
        self._vectors = _vectors(self._model, plan, question)
        self._question = replace(question, strength=_strength(self._vectors))
        self._study = Study(self._question, self._witness)
        self._maker = PictureMaker.open(
            self._model, self._witness, folder, site, dtype=question.base.dtype, plan=plan
        )
        self._result: StudyResult | None = None
        self._records: dict[str, PictureRecord] = {}

    def __exit__(self, *_: object) -> None:
        self._maker.close()

    @property
    def most(self) -> int:
        """The most pictures that it may need."""
        return self._question.most

    @property
    def question(self) -> Question:
        """What it is to find out."""
        return self._question

    @property
    def trials(self) -> dict[str, Trial]:
        """What is known so far of each term by itself, as of the last whole block of pairs."""
        return dict(self._study.trials)

    @property
    def stored(self) -> int:
        """Pictures in the folder, of this question or another one."""
        return len(self._maker.store)

    @property
    def made(self) -> int:
        """Pictures that this proof generated itself; the others existed already."""
        return self._maker.made

    def forecast(self, helped: float = 0.24, harmed: float = 0.06) -> Forecast:
        """What the trial of one term will cost and find, if a pair helps and harms with these chances."""
        return forecast(self._question.design(self._question.sizes.pairs), helped, harmed)

    def __iter__(self) -> Iterator[Progress]:
        """Make the missing pictures, and yield the progress after each batch."""
        study = self._study.run()
        try:
            needed = next(study)
            while True:
                needed = study.send((yield from self._make(needed)))
        except StopIteration as end:
            self._result = end.value

    def report(self) -> Report:
        """The report, after making the pictures that are missing."""
        while self._result is None:
            for _ in self:
                pass
        examples = tuple(self._examples(self._result))
        return Report(self.result(self._result), examples, tuple(self._figures()))

    def pairs(self, avoided: Avoid, seeds: Sequence[int]) -> list[tuple[Image.Image, Image.Image]]:
        """The pictures without a negative and with one term alone, made where they are missing."""
        none, alone = self._question.arms.arm("none"), self._study.alone(avoided)
        specs = [self._question.spec(arm, seed) for seed in seeds for arm in (none, alone)]
        pictures = self._maker.pictures(specs)
        self._records |= {record.key: record for record in self._maker.records(specs)}
        return list(zip(pictures[::2], pictures[1::2], strict=True))

    def result(self, study: StudyResult, witness: str | None = None) -> ProofResult:
        """The result of a study, with everything that it was found with.

        `witness` names who looked at the pictures; None is the proof's own witness.
        """
        question, records = self._question, self._records.values()
        return ProofResult(
            prompts=question.prompts,
            request=question.base,
            sizes=question.sizes,
            alpha=question.alpha,
            smallest=question.smallest,
            model=self._model.facts.name,
            fingerprint=self._model.network(question.base.dtype).fingerprint(),
            witness=witness or self._witness.name,
            verdicts=study.verdicts,
            whole=study.whole,
            controls=study.controls,
            smallest_list=study.smallest,
            confirmation=study.confirmation,
            tried=study.tried,
            recommendation=recommendation_text(study.tried, study.smallest, study.verdicts),
            answer=answer_text(study.verdicts, study.smallest, study.confirmation),
            findings=question.plan.findings,
            pictures=len(records),
            evaluations=sum(record.evaluations for record in records),
            versions={"negspace": __version__, **self._model.network(question.base.dtype).versions},
        )

    def _figures(self) -> Iterator[tuple[str, "Figure"]]:
        """Figures of what was measured with the whole list: (caption, figure)."""
        from negspace.lab import figures

        measured = [picture for picture in self._vectors if picture.steps]
        if not measured:
            return
        yield (
            "The predictions of one picture with the whole list, in the plane that they span, step by step.",
            figures.vector_diagram(measured[0].steps),
        )
        stats = [picture.stats for picture in measured]
        yield "What the whole list did at every step.", figures.strength_curves(stats)
        if pairs := self._stored_pairs("none", "whole", figures.HEAT_MAP_PAIRS):
            yield "Where in the picture the whole list acted.", figures.heat_map(pairs)

    def _stored_pairs(self, first: str, second: str, count: int) -> list[tuple[Image.Image, Image.Image]]:
        """The pictures of two arms on the first seeds, as far as both exist."""
        arms = [self._question.arms.arm(name) for name in (first, second)]
        pairs = [
            self._maker.store.pictures([self._question.spec(arm, seed) for arm in arms])
            for seed in range(count)
        ]
        return [(pair[0], pair[1]) for pair in pairs if len(pair) == len(arms)]

    def _make(self, needed: PicturesNeeded) -> Generator[Progress, None, list[PictureRecord]]:
        left = len(needed.specs)
        for made in self._maker.make(needed.specs):
            left -= made
            yield self._maker.progress(needed.stage, left + needed.left_after)
        records = self._maker.records(needed.specs)
        self._records |= {record.key: record for record in records}
        yield self._maker.progress(needed.stage, needed.left_after)
        return records

    def _examples(self, result: StudyResult) -> Iterator[Example]:
        """The pictures that the report shows, as far as they exist: each arm on its first seeds."""
        for caption, arm in self._study.shown_arms(result.smallest):
            first = FRESH if arm.name == "smallest" else 0
            for seed in range(first, first + EXAMPLES):
                spec = self._question.spec(arm, seed)
                record, picture = self._maker.store.record(spec), self._maker.store.picture(spec)
                if record is not None and picture is not None:
                    yield Example(caption, spec.request.seed, record.seen, picture)


def _vectors(model: Model, plan: Planning, question: Question) -> list[PictureVectors]:
    """The vectors of a few pictures with the whole list."""
    if not question.tested:
        return []
    whole = question.arms.arm("whole")
    return measure_vectors(model, [plan(question.spec(whole, seed).request) for seed in range(MEASURED)])


def _strength(pictures: Sequence[PictureVectors]) -> float | str:
    """The scale at which plain guidance is as strong as the whole list, or why that is not known."""
    try:
        return round(effective_scale(pictures), 2)
    except LabError as error:
        return str(error)


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
        folder: where the pictures are kept, so that the proof can continue after a stop; None keeps none.

    Raises:
        NegspaceError: as `Proof`.
    """
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="negspace-")))
        settings |= {"folder": place, "max_pictures": max_pictures, "seed": seed}
        proof = stack.enter_context(Proof(prompts, avoid, model, **settings))
        return proof.report()
