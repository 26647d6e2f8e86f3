"""The request: everything a caller can ask for, as one frozen value with JSON both ways."""

import secrets
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from negspace.errors import RequestError
from negspace.frozen import Frozen
from negspace.hires import Hires, skipped_steps
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.ruletext import RuleLike

LARGEST_SEED = 2**63 - 1
_DRAWN_SEEDS = 2**32  # what every program that may read a receipt takes

Check = Literal["none", "flag", "retry", "block"]
CHECKS: tuple[Check, ...] = ("none", "flag", "retry", "block")
"""What happens when a judge sees an avoided term in the picture, from the mildest to the strictest."""

Unchecked = Literal["refuse", "deliver"]
"""What happens where a check is "block" and no judge that is available can look for the term."""
Route = Literal["attention", "true-cfg", "rewrite", "check"]

WEIGHTINGS = ("a1111", "lerp", "compel", "product")
"""How weights of words can change a conditioning; `negspace.encoding.weighting` defines each."""

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Pixel = Annotated[int, Field(ge=0)]
_Length = Annotated[int, Field(ge=1)]


def strictest(checks: Iterable[Check]) -> Check:
    """The strictest of several checks."""
    return max(checks, key=CHECKS.index)


class Avoid(Frozen):
    """One term to avoid.

    Attributes:
        term: its words, in the dialect of the request.
        weight: how strongly; 1 is neutral.
        window: the share of the steps during which it is part of the conditioning, from start to stop;
            (0, 1) is all of them.
        source: where it comes from: "user", "policy@version", a template, feedback, or a retry.
        locked: whether it may not be dropped or weakened later.
        check: what happens when a judge sees it in the picture.
        unchecked: what happens where the check is "block" and no judge knows the term: "refuse" makes no
            picture, "deliver" adds a finding.
    """

    term: Annotated[str, Field(min_length=1)]
    weight: _Finite = 1.0
    window: tuple[_Share, _Share] = (0.0, 1.0)
    source: str = "user"
    locked: bool = False
    check: Check = "none"
    unchecked: Unchecked = "refuse"

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if not self.window[0] < self.window[1]:
            raise RequestError(f"Avoid window: {self.window} must start before it stops")
        if not self.term.strip():
            raise RequestError("Avoid term: it is blank; leave it out instead")
        return self


class Wanted(Frozen):
    """One thing that must be seen in the picture.

    Attributes:
        term: its words, as a judge looks for it.
        check: what happens when a judge does not see it.
        source: "prompt", "user", or "policy@version".
    """

    term: Annotated[str, Field(min_length=1, pattern=r"\S")]
    check: Check = "retry"
    source: str = "user"


def _wanted(value: object) -> object:
    terms = [value] if isinstance(value, str) else value
    if not isinstance(terms, list | tuple):
        return value
    return tuple({"term": term} if isinstance(term, str) else term for term in terms)


def draw_seed() -> int:
    """A fresh random seed, for a request that names none."""
    return secrets.randbelow(_DRAWN_SEEDS)


def _seed(value: object) -> object:
    return draw_seed() if value in (None, -1) else value


class LoraUse(Frozen):
    """A LoRA file of the operator's folder that a request adds to the model, for its own pictures alone.

    Attributes:
        name: of the file, without its ending.
        strength: in the network that makes the picture; 1 is as trained, 0 nothing.
        text_strength: in the text encoders; None is the same.
        span: its place in the prompt, if it stands there.
    """

    name: Annotated[str, Field(min_length=1)]
    strength: _Finite = 1.0
    text_strength: _Finite | None = None
    span: tuple[int, int] | None = None

    @property
    def in_text(self) -> float:
        """The strength in the text encoders."""
        return self.strength if self.text_strength is None else self.text_strength

    def __str__(self) -> str:
        text = "" if self.in_text == self.strength else f", text encoders x{self.in_text:g}"
        return f"{self.name} x{self.strength:g}{text}"


def _picture(value: object) -> object:
    return read_picture(from_base64(value)) if isinstance(value, str) else value


def _mask(value: object) -> object:
    return read_mask(from_base64(value)) if isinstance(value, str) else value


class Start(Frozen):
    """A picture to start from instead of noise alone.

    Attributes:
        picture: a text is read as base64 of any picture file, or a data URL of it.
        strength: the share of the steps that is run; 1 keeps nothing of the picture.
        mask: what is redrawn: white is, black keeps every pixel, grey mixes. None is everywhere.
    """

    picture: Annotated[Pixels, BeforeValidator(_picture)]
    strength: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.75
    mask: Annotated[Pixels, BeforeValidator(_mask)] | None = None

    @model_validator(mode="after")
    def _mask_fits(self) -> Self:
        picture, mask = self.picture, self.mask
        if picture.mode != "RGB":
            raise RequestError(f"Start picture: its mode is {picture.mode}, and it must be RGB")
        if mask is None:
            return self
        if mask.mode != "L":
            raise RequestError(f"Start mask: its mode is {mask.mode}; a mask has the one channel L")
        if (mask.width, mask.height) != (picture.width, picture.height):
            sizes = f"{mask.width}x{mask.height} and the picture {picture.width}x{picture.height}"
            raise RequestError(f"Start mask: it is {sizes}; both must have one size")
        return self

    @classmethod
    def of(cls, picture: Pixels, strength: float | None = None, mask: Pixels | None = None) -> Self:
        """The start from a picture; a strength of None is the default.

        Raises:
            RequestError: the strength is impossible, or the mask does not fit the picture.
        """
        fields = {"picture": picture, "mask": mask} | ({} if strength is None else {"strength": strength})
        return cls.from_dict(fields)

    def skipped(self, steps: int) -> int:
        """How many of the first steps are skipped.

        Raises:
            RequestError: all of them are.
        """
        return skipped_steps(self.strength, steps)

    def without_data(self) -> Self:
        """The same with its pictures identified by sha256 and size, as in a receipt."""
        mask = None if self.mask is None else self.mask.without_data()
        return self.model_copy(update={"picture": self.picture.without_data(), "mask": mask})


class Sizes(Frozen):
    """The sizes in pixels that a model like SDXL is conditioned on.

    Attributes:
        original: (width, height) of the picture before scaling; None is the picture's own.
        crop: (left, top) of the crop.
        target: (width, height) of the picture; None is its own.
    """

    original: tuple[_Length, _Length] | None = None
    crop: tuple[_Pixel, _Pixel] = (0, 0)
    target: tuple[_Length, _Length] | None = None


class Request(Frozen):
    """What a caller asks for. A field that is None is filled from the model's defaults in the plan.

    Attributes:
        prompt: what is wanted, in `dialect`.
        avoid: what is not wanted: a text, terms, or None. None, "" and a text have three different meanings.
        model: name or path of the model; None where the caller has the model already.
        rule: how predictions are combined: a name in `negspace.guidance.RULES`, or one with settings,
            "rescale(cfg, phi=0.5)". A rule itself is accepted too, with its own scale, and kept as its text.
        scale: guidance scale; 1 is off (prediction = n + scale * (c - n)). A scale in `rule` comes first.
        steps: steps of the sampler.
        sampler: a name in `negspace.models.samplers.SAMPLERS`.
        width, height: in pixels.
        fit_size: whether another size is replaced by the nearest one that the model was trained at; None is
            what a server is set to, elsewhere no.
        seed: seed of the first picture; picture i of n is the picture of seed + i alone. Left out, None or
            -1, it is drawn when the request is made, and is a number from then on.
        n: how many pictures.
        dialect: grammar of prompt and avoid text, a name in `negspace.prompt.DIALECTS`.
        reading: what happens to syntax that cannot be read: "lenient" takes it as text, with a finding;
            "strict" refuses the request.
        inline: forms of a negative inside the prompt: "bar" (`a | b`), "hashes" (`a ### b`), "no"
            (`a --no b`). Only those named here are read.
        other_prompts, other_avoids: texts for the second text encoder, the third, and so on; None is the text
            of the first one. One of `other_avoids` alone has an effect, too, where `avoid` is None.
        embeddings: files of textual-inversion embeddings; their names are words in every text.
        loras: LoRA files added for these pictures, besides those in the prompt.
        weighting: how weights of words change the conditioning, a name in `WEIGHTINGS`.
        check: what happens when a judge sees a term of one's own that names no check itself.
        wanted: what must be seen in the picture, beside the subject of the prompt; words alone are accepted.
        policies: names of the policies to apply.
        dtype: arithmetic of the network; None chooses by hardware.
        start: the picture to start from, and what of it is redrawn; None starts from noise. It sets width and
            height.
        hires: a second pass over each picture at a larger size; not together with `start`.
        sizes: the sizes that a model with such a conditioning gets; None is the picture's own, uncropped.
        negative_sizes: the sizes for the negative branch; None is the same.
        routes: how avoided terms reach a model without a usable negative branch, of which it takes the first
            that it has: "attention", "true-cfg" (a second pass, never by default), "rewrite" into a wish,
            "check" of the picture alone.
        guidance: the guidance value that a guidance-distilled model is conditioned on; None is its default.
    """

    prompt: str
    avoid: str | tuple[Avoid, ...] | None = None
    model: str | None = None
    rule: str | None = None
    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    sampler: str | None = None
    width: Annotated[int, Field(ge=1, le=16384)] | None = None
    height: Annotated[int, Field(ge=1, le=16384)] | None = None
    fit_size: bool | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED), BeforeValidator(_seed)] = Field(
        default_factory=draw_seed
    )
    n: Annotated[int, Field(ge=1, le=10_000)] = 1
    dialect: str = "a1111"
    reading: Literal["lenient", "strict"] = "lenient"
    inline: tuple[str, ...] = ()
    other_prompts: tuple[str | None, ...] = ()
    other_avoids: tuple[str | None, ...] = ()
    embeddings: tuple[str, ...] = ()
    loras: tuple[LoraUse, ...] = ()
    weighting: str = "a1111"
    check: Check = "none"
    wanted: Annotated[tuple[Wanted, ...], BeforeValidator(_wanted)] = ()
    policies: tuple[str, ...] = ()
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    start: Start | None = None
    hires: Hires | None = None
    sizes: Sizes | None = None
    negative_sizes: Sizes | None = None
    routes: tuple[Route, ...] = ("attention", "rewrite", "check")
    guidance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None

    @field_validator("rule", mode="before")
    @classmethod
    def _rule_as_text(cls, value: Any) -> Any:
        return value.written() if isinstance(value, RuleLike) else value

    @model_validator(mode="after")
    def _last_seed_exists(self) -> Self:
        if self.seed + self.n - 1 > LARGEST_SEED:
            raise RequestError(
                f"Request seed: {self.seed} leaves no room for {self.n} pictures up to {LARGEST_SEED}"
            )
        return self

    @model_validator(mode="after")
    def _picture_has_the_size(self) -> Self:
        if self.start is None:
            return self
        if self.hires is not None:
            raise RequestError("Request hires: it is for pictures that start from noise; leave out start")
        width, height = self.start.picture.width, self.start.picture.height
        if (self.width or width, self.height or height) != (width, height):
            raise RequestError(
                f"Request start: the picture is {width}x{height} and size "
                f"{self.width or width}x{self.height or height} was requested; "
                "resize it, or leave the size out"
            )
        return self

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height in pixels: those of the picture to start from, else those of the request."""
        if self.start is not None:
            return self.start.picture.width, self.start.picture.height
        return self.width, self.height

    def without_pixels(self) -> Self:
        """The request with its pictures identified by sha256 and size, and without their pixels."""
        if self.start is None:
            return self
        return self.model_copy(update={"start": self.start.without_data()})

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        return tuple(range(self.seed, self.seed + self.n))


class Moved(Frozen):
    """Text to avoid that an inline form moved out of the prompt.

    Attributes:
        text: its words.
        span: first and one-past-last character in the prompt of the request.
    """

    text: str
    span: tuple[int, int]
