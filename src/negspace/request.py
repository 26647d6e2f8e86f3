"""Request: everything that is asked for, as one frozen value with JSON both ways."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from negspace.errors import RequestError
from negspace.frozen import Frozen
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.ruletext import RuleLike

_NEARLY = 1e-9  # 0.29 * 100 is 29 steps, whatever binary fractions make of it


def _picture(given: object) -> object:
    return read_picture(from_base64(given)) if isinstance(given, str) else given


def _mask(given: object) -> object:
    return read_mask(from_base64(given)) if isinstance(given, str) else given


class Start(Frozen):
    """What a picture is made of instead of noise alone.

    Attributes:
        picture: what is started from. A text is read as base64 of any picture file, or a data URL of it.
        strength: the share of the steps that is taken, 1 leaves nothing of the picture.
        mask: where it is redrawn: white is, black keeps every pixel as it is, grey mixes. None is everywhere.
    """

    picture: Annotated[Pixels, BeforeValidator(_picture)]
    strength: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.75
    mask: Annotated[Pixels, BeforeValidator(_mask)] | None = None

    @model_validator(mode="after")
    def _mask_fits(self) -> Self:
        picture, mask = self.picture, self.mask
        if picture.mode != "RGB":
            raise RequestError(f"Start picture: its mode is {picture.mode}, and RGB is what is started from")
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
        """How many of the first steps are left out.

        Raises:
            RequestError: all of them are.
        """
        taken = int(steps * self.strength + _NEARLY)
        if taken == 0:
            raise RequestError(
                f"strength {self.strength:g} of {steps} steps is less than one step; "
                f"{1 / steps:.3g} is the least"
            )
        return steps - taken

    def without_data(self) -> Self:
        """The same with its pictures by name alone, as a receipt has them."""
        mask = None if self.mask is None else self.mask.without_data()
        return self.model_copy(update={"picture": self.picture.without_data(), "mask": mask})


Check = Literal["none", "flag", "retry", "block"]
CHECKS: tuple[Check, ...] = ("none", "flag", "retry", "block")
"""From the mildest to the strictest."""

Unchecked = Literal["refuse", "deliver"]
"""What happens to a block that no judge at hand can look for."""


def strictest(checks: Iterable[Check]) -> Check:
    """The strictest of several checks."""
    return max(checks, key=CHECKS.index)


LARGEST_SEED = 2**63 - 1

Route = Literal["attention", "true-cfg", "rewrite", "check"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Avoid(Frozen):
    """One thing that is not wanted.

    Attributes:
        term: its words, in the dialect of the request.
        weight: how strongly, 1 is plain.
        window: the share of the steps during which it is told, from start to stop; (0, 1) is always.
        source: who asked: "user", "policy@version", a template, feedback, or a retry.
        locked: whether later stages may drop or weaken it.
        check: what happens when it is seen in the picture all the same.
        unchecked: what happens where the check is "block" and no judge at hand knows it: nothing is made, or
            the picture is delivered with a finding.
    """

    term: Annotated[str, Field(min_length=1)]
    weight: Finite = 1.0
    window: tuple[Share, Share] = (0.0, 1.0)
    source: str = "user"
    locked: bool = False
    check: Literal["none", "flag", "retry", "block"] = "none"
    unchecked: Literal["refuse", "deliver"] = "refuse"

    @model_validator(mode="after")
    def _window_has_a_length(self) -> Self:
        if not self.window[0] < self.window[1]:
            raise RequestError(f"Avoid window: {self.window} must start before it stops")
        if not self.term.strip():
            raise RequestError("Avoid term: it is blank; leave it out instead")
        return self


class Sizes(Frozen):
    """The sizes that a model like SDXL is told in numbers, in pixels.

    Attributes:
        original: (width, height) of what the picture was scaled from; None is the picture's own.
        crop: (left, top) of where it was cropped.
        target: (width, height) of the picture; None is its own.
    """

    original: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    crop: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (0, 0)
    target: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None


class Settings(Frozen):
    """How pictures are made, nothing left open.

    Attributes:
        rule, scale, steps, sampler, width, height: the request's, or the model's defaults.
    """

    rule: str
    scale: float
    steps: int
    sampler: str
    width: int
    height: int


class Moved(Frozen):
    """What an inline form took out of the prompt, to be avoided.

    Attributes:
        text: its words.
        span: first and one-past-last character in the prompt of the request.
    """

    text: str
    span: tuple[int, int]


class Request(Frozen):
    """What is asked for. A field left at None is filled from the model's defaults when the plan is made.

    Attributes:
        prompt: what is wanted, in `dialect`.
        avoid: what is not wanted: a text, terms, or None. None, "" and a text are three different things.
        model: name or path of the model; None where the caller holds the model already.
        rule: how predictions are combined: a name in `negspace.guidance.RULES`, or one with settings,
            "rescale(cfg, phi=0.5)". A rule itself is taken, too, with its own scale, and kept as its text.
        scale: guidance scale; 1 is off (prediction = n + scale * (c - n)). A scale in `rule` comes first.
        steps: steps of the sampler.
        sampler: a name in `negspace.models.samplers.SAMPLERS`.
        width, height: in pixels.
        seed: seed of the first picture; picture i of n is the picture that seed + i gives alone.
        n: how many pictures.
        dialect: grammar of prompt and avoid text.
        reading: what becomes of a text that its dialect cannot read: "lenient" takes it as text and says so
            in a finding, "strict" refuses it.
        inline: forms of what to avoid that are read out of the prompt: "bar" (`a | b`), "hashes"
            (`a ### b`), "no" (`a --no b`). None is read unless it is named here.
        other_prompts, other_avoids: what the second text encoder reads instead, the third, and so on; None
            reads what the first one does. Where `avoid` is None, one of `other_avoids` alone acts as well.
        embeddings: files of textual-inversion embeddings; their names are words in every text.
        weighting: how weights of words act on the conditioning.
        policies: names of the policies to apply.
        dtype: arithmetic of the network; None chooses by hardware.
        start: the picture to start from, and what of it is redrawn; None starts from noise. Left open, width
            and height are the picture's.
        sizes: what a model that is told sizes is told of this picture; None is its own size, uncropped.
        negative_sizes: what the negative branch is told instead; None is the same.
        routes: how what is avoided reaches a model without a usable negative, the first that it has:
            "attention", "true-cfg" (a second pass, taken only if named here), "rewrite" into a wish, "check"
            of the picture alone.
        guidance: what a guidance-distilled model that is told its scale is told; None takes its default.
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
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    n: Annotated[int, Field(ge=1, le=10_000)] = 1
    dialect: str = "a1111"
    reading: Literal["lenient", "strict"] = "lenient"
    inline: tuple[str, ...] = ()
    other_prompts: tuple[str | None, ...] = ()
    other_avoids: tuple[str | None, ...] = ()
    embeddings: tuple[str, ...] = ()
    weighting: str = "a1111"
    policies: tuple[str, ...] = ()
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    start: Start | None = None
    sizes: Sizes | None = None
    negative_sizes: Sizes | None = None
    routes: tuple[Route, ...] = ("attention", "rewrite", "check")
    guidance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None

    @field_validator("rule", mode="before")
    @classmethod
    def _a_rule_is_its_text(cls, given: Any) -> Any:
        return given.written() if isinstance(given, RuleLike) else given

    @model_validator(mode="after")
    def _last_seed_exists(self) -> Self:
        if self.seed + self.n - 1 > LARGEST_SEED:
            raise RequestError(
                f"Request seed: {self.seed} leaves no room for {self.n} pictures up to {LARGEST_SEED}"
            )
        return self

    @model_validator(mode="after")
    def _picture_has_the_size(self) -> Self:
        if self.start is not None:
            there = self.start.picture.width, self.start.picture.height
            if (self.width or there[0], self.height or there[1]) != there:
                asked = f"{self.width or there[0]}x{self.height or there[1]}"
                raise RequestError(
                    f"Request start: the picture is {there[0]}x{there[1]} and size {asked} was asked for; "
                    "resize it, or leave the size out"
                )
        return self

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height in pixels as asked for, by the picture to start from where there is one."""
        if self.start is not None:
            return self.start.picture.width, self.start.picture.height
        return self.width, self.height

    def without_pixels(self) -> Self:
        """The request that names its pictures by sha256 and size, and does not carry them."""
        if self.start is None:
            return self
        return self.model_copy(update={"start": self.start.without_data()})

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        return tuple(range(self.seed, self.seed + self.n))
