"""The single path: Request → Plan → Engine → Result with its Receipt."""

import hashlib
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import torch
from PIL import Image
from torch import Tensor

from negspace import __version__, png
from negspace.avoid.plan import CHECK_ONLY, Plan, plan, refuse_blocked
from negspace.encoding import Embedding, Encoder, load_embeddings
from negspace.engine import Account, Engine, Lane, Width, canvas_of, draw
from negspace.engine.casting import Casting
from negspace.errors import PolicyError
from negspace.facts import ModelFacts, Prediction
from negspace.findings import Finding
from negspace.guidance import Rule, Space, make, write
from negspace.models.base import Network
from negspace.models.hardware import choose
from negspace.models.loading import open_network
from negspace.receipt import ImageRecord, ModelRecord, Receipt, TermRecord
from negspace.request import Avoid, Request

DtypeName = Literal["float32", "bfloat16", "float16"]

_TAUGHT = 8
"""How many sets of embeddings a model keeps an encoder for; one costs the vectors alone."""

_UNTIMELY = "no step fell into the time it was told for"
_BLACK = "the mask is black everywhere, so nothing is redrawn"

_SPACES: dict[Prediction, Space] = {"epsilon": "eps", "v_prediction": "v", "flow": "flow"}


@dataclass(frozen=True, eq=False)
class Result:
    """Pictures and how they came about.

    Attributes:
        images: RGB, in the order of their seeds. Saved as PNG they carry the infotext and their receipt.
        receipt: of all of them.
        latents: [n, channels, height, width] float32, what the pictures were decoded from.
        seconds: wall time from the first step to the last picture.
    """

    images: tuple[Image.Image, ...]
    receipt: Receipt
    latents: Tensor
    seconds: float


@final
class Run:
    """Pictures under way. Iterating takes a step at a time; leaving off is cancelling.

    Args:
        network: what makes them.
        planned: the plan.
        width: how many rows go through the network at once.
        encoder: reads the texts; None is the network's own.

    Attributes:
        plan, network: as given.

    Raises:
        PolicyError: a policy keeps the request from being carried out.
    """

    def __init__(
        self, network: Network, planned: Plan, width: Width | None, encoder: Encoder | None = None
    ) -> None:
        refuse_blocked(planned)
        _refuse_unheld(planned)
        self.plan = planned
        self.network = network
        self._engine = Engine(network, width)
        self._rule = make(planned.rule, scale=planned.scale)
        for patch in self._rule.patches():
            network.host(patch)
        self._casting = Casting(encoder or network.encoder, network.facts, planned)
        start = planned.request.start
        self._canvas = None if start is None else canvas_of(start, network, planned.steps)
        self._lanes = tuple(self._lane(seed) for seed in planned.request.seeds)
        self._began: float | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """One lane a picture. Another engine of the same network may drive them instead of this run."""
        return self._lanes

    @property
    def done(self) -> int:
        """Steps taken so far, over all pictures."""
        return sum(lane.progress[0] for lane in self._lanes)

    @property
    def total(self) -> int:
        """Steps in all, over all pictures."""
        return sum(lane.progress[1] for lane in self._lanes)

    def __iter__(self) -> Iterator[int]:
        """Take the steps that are left, yielding `done` after each."""
        self._began = self._began or time.perf_counter()
        if self.done == 0 and not self._engine.lanes:
            for lane in self._lanes:
                self._engine.add(lane)
        while self._engine.lanes:
            self._engine.tick()
            yield self.done

    def result(self) -> Result:
        """The pictures, after taking the steps that are left."""
        for _ in self:
            pass
        images = [self.picture(lane) for lane in self._lanes]
        receipt = self._receipt(images)
        for index, image in enumerate(images):
            png.attach(image, png.texts_of(receipt, index))
        seconds = time.perf_counter() - (self._began or 0.0)
        latents = torch.stack([lane.x for lane in self._lanes])
        return Result(tuple(images), receipt, latents, seconds)

    def picture(self, lane: Lane) -> Image.Image:
        """The picture of a lane as far as it has come, with every pixel that is kept, RGB."""
        made = Image.fromarray(self.network.decode(lane.x))
        start = self.plan.request.start
        if start is None or start.mask is None:
            return made
        return Image.composite(made, start.picture.image(), start.mask.image())

    def _lane(self, seed: int) -> Lane:
        planned, network = self.plan, self.network
        shape = network.latent_shape(planned.width, planned.height)
        sampler = network.sampler(planned.sampler, planned.steps, shape)
        noise = draw(seed, shape).to(network.device)
        return Lane(
            seed=seed,
            noise=noise,
            sampler=sampler,
            rule=self._rule,
            space=_SPACES[network.facts.prediction],
            casts=self._casting.casts(sampler.evaluations),
            negatives=self._casting.negatives(sampler.evaluations),
            canvas=self._canvas,
            numbers=network.numbers(planned.carried, planned.width, planned.height),
        )

    def _receipt(self, images: Sequence[Image.Image]) -> Receipt:
        planned, network = self.plan, self.network
        accounts = [lane.account for lane in self._lanes]
        redraws = self._canvas is None or self._canvas.redraws
        acted = planned.acts and redraws and any(account.told for account in accounts)
        why_not = planned.why_not or (_UNTIMELY if redraws else _BLACK)
        return Receipt(
            request=planned.request.without_pixels(),
            model=ModelRecord(
                name=network.facts.name,
                family=network.facts.family,
                fingerprint=network.fingerprint(),
                dtype=str(network.dtype).removeprefix("torch."),
                device=str(network.device),
                rows=self._engine.width.rows,
            ),
            rule=planned.rule,
            scale=planned.scale,
            steps=planned.steps,
            sampler=planned.sampler,
            width=planned.width,
            height=planned.height,
            positive=self._casting.positive,
            negative=self._casting.negative,
            moved=planned.moved,
            embeddings=planned.embeddings,
            terms=tuple(self._terms()),
            negative_acted=acted,
            why_not=None if acted else why_not,
            evaluations=_summed(account.evaluations for account in accounts),
            images=tuple(
                _image_record(lane.seed, image, account, acted)
                for lane, image, account in zip(self._lanes, images, accounts, strict=True)
            ),
            findings=(
                *_lasting(planned.findings),
                *self._casting.findings,
                *_unchecked(planned),
                *_unmoved(redraws),
            ),
            versions={"negspace": __version__, "python": platform.python_version(), **network.versions},
        )

    def _terms(self) -> Iterator[TermRecord]:
        for term in self.plan.terms:
            yield TermRecord(
                **term.avoid.model_dump(),
                span=term.span,
                told=term.told,
                tokens=self._casting.tokens_of(term.avoid.term),
                known=term.known,
                unknown=term.unknown,
                origins=term.origins,
            )


@final
class Model:
    """A model that can be asked for pictures.

    Args:
        name_or_path: where it is.
        dtype: arithmetic; None chooses by hardware.
        device: where it is to live; None chooses by hardware.
        width: how many rows go through the network at once.
    """

    def __init__(
        self, name_or_path: str | Path, dtype: str | None, device: str | None, width: Width | None
    ) -> None:
        self._place = name_or_path
        self._dtype = dtype
        self._device = device
        self._width = width
        self._networks: dict[torch.dtype, Network] = {}
        self._taught: dict[tuple[object, ...], Encoder] = {}
        self._facts = self.network().facts

    @property
    def facts(self) -> ModelFacts:
        """What the model is and what it can be told."""
        return self._facts

    @property
    def place(self) -> str:
        """Where it was opened from: a name or a path."""
        return str(self._place)

    def at_width(self, width: Width) -> "Model":
        """The same model and the same networks, with so many rows a forward."""
        other = copy(self)
        other._width = width
        return other

    def network(self, dtype: str | None = None) -> Network:
        """The network in an arithmetic, opened on first use; None is the one the model was loaded with."""
        footing = choose(dtype or self._dtype, self._device)
        if footing.dtype not in self._networks:
            self._networks[footing.dtype] = open_network(self._place, footing)
        return self._networks[footing.dtype]

    def plan(self, request: Request) -> Plan:
        """The request compiled for this model; nothing is generated.

        Raises:
            RequestError, PromptError: as `negspace.plan`; also for a setting of a rule that is not there or
                out of its range.
            EncodingError: an embedding cannot be read.
        """
        return self._plan(request, load_embeddings(request.embeddings))

    def _plan(self, request: Request, embeddings: Sequence[Embedding]) -> Plan:
        planned = plan(request, replace(self.facts, embeddings=tuple(one.facts for one in embeddings)))
        make(planned.rule, scale=planned.scale)
        return planned

    def _encoder(self, network: Network, embeddings: Sequence[Embedding]) -> Encoder:
        """The network's encoder, knowing the embeddings; the last few are kept."""
        if not embeddings:
            return network.encoder
        key = (network.dtype, *((one.name, one.sha256) for one in embeddings))
        if key not in self._taught:
            taught = network.encoder.with_embeddings(embeddings)
            self._taught = dict([*self._taught.items(), (key, taught)][-_TAUGHT:])
        return self._taught[key]

    def run(self, request: Request) -> Run:
        """Begin pictures that are then made step by step.

        Raises:
            RequestError: the request or one of its fields is impossible for this model.
            PromptError: a text cannot be read.
            EncodingError: an embedding cannot be read, or a text cannot be encoded as asked.
        """
        embeddings = load_embeddings(request.embeddings)
        planned, network = self._plan(request, embeddings), self.network(request.dtype)
        taught = [one for one in embeddings if one.facts in planned.embeddings]  # a policy may refuse them
        return Run(network, planned, self._width, self._encoder(network, taught))

    def generate(
        self,
        prompt: str,
        *,
        avoid: str | Sequence[Avoid] | None = None,
        seed: int = 0,
        n: int = 1,
        steps: int | None = None,
        scale: float | None = None,
        sampler: str | None = None,
        rule: str | Rule[Any] | None = None,
        dtype: DtypeName | None = None,
        **fields: Any,
    ) -> Result:
        """Pictures of a prompt without what is to be avoided.

        Args:
            prompt: what is wanted.
            avoid: what is not: a text, terms, or None; None, "" and a text are three different things.
            seed: of the first picture; picture i is the one that seed + i gives alone.
            n: how many pictures.
            steps, scale, sampler: None takes the model's default.
            rule: a text, as in a request; or a rule, which has its own scale; None takes the model's default.
            dtype: arithmetic; None takes the model's.
            fields: any other field of a Request.

        Raises:
            NegspaceError: as `run`.
        """
        asked = {"prompt": prompt, "seed": seed, "n": n, "steps": steps, "scale": scale, "sampler": sampler}
        told = avoid if avoid is None or isinstance(avoid, str) else tuple(avoid)
        text = write(rule, always=("scale",)) if isinstance(rule, Rule) else rule
        request = Request.from_dict({**asked, "rule": text, "dtype": dtype, "avoid": told, **fields})
        return self.run(request).result()

    def generate_all(self, requests: Sequence[Request]) -> list[Result]:
        """The pictures of many requests, whose rows share forwards; each result is what `run` gives alone,
        as exactly as the model's `width` promises. `Result.seconds` is not of one request then.

        Raises:
            NegspaceError: as `run`, before anything is generated.
        """
        runs = [self.run(request) for request in requests]
        for network in {id(run.network): run.network for run in runs}.values():
            lanes = [lane for run in runs if run.network is network for lane in run.lanes]
            for _ in Engine(network, self._width).run(lanes):
                pass
        return [run.result() for run in runs]


def load(
    name_or_path: str | Path = "embedded",
    *,
    dtype: DtypeName | None = None,
    device: str | None = None,
    width: Width | None = None,
) -> Model:
    """Open a model.

    Args:
        name_or_path: "embedded", or the path of a diffusers folder.
        dtype: arithmetic; None chooses by hardware.
        device: a torch device; None takes CUDA where there is one, else the CPU.
        width: rows per forward. `Fixed(2)`, the default, makes every picture independent of its companions
            bit for bit; `UpTo(16)` is faster for many pictures and exact to float tolerance.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    return Model(name_or_path, dtype, device, width)


def _refuse_unheld(planned: Plan) -> None:
    """Stop where a locked term could only be upheld by looking at the pictures, which nothing does here."""
    for term in planned.terms:
        if term.avoid.locked and term.told == CHECK_ONLY:
            raise PolicyError(
                f"{term.avoid.term!r} is locked by {term.avoid.source}, this model cannot be told "
                f"({planned.why_not}), and nothing looks for it in the pictures"
            )


def _unchecked(planned: Plan) -> Iterator[Finding]:
    """What was to be looked for in the pictures, and was not."""
    for term in planned.terms:
        if term.avoid.check != "none":
            told = f"nothing looked for {term.avoid.term!r} in the pictures ({term.avoid.check} was asked)"
            yield Finding("unchecked", told, term.span, "avoid")


def _unmoved(redraws: bool) -> Iterator[Finding]:
    """A mask that keeps everything."""
    if not redraws:
        yield Finding("black-mask", f"{_BLACK}; white is redrawn")


def _lasting(findings: Sequence[Finding]) -> Iterator[Finding]:
    """A plan's findings without its estimates of what would be cut: what was cut is known now."""
    return (finding for finding in findings if finding.code != "cut-words")


def _image_record(seed: int, image: Image.Image, account: Account, acted: bool) -> ImageRecord:
    return ImageRecord(
        seed=seed,
        sha256=hashlib.sha256(image.tobytes()).hexdigest(),
        evaluations=account.evaluations,
        told=account.told if acted else 0,
        push=account.push,
        omega=account.omega,
    )


def _summed(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for branch, number in count.items():
            total[branch] = total.get(branch, 0) + number
    return total
