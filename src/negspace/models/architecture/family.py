"""The base of every model family: what sets one architecture apart from the others."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from negspace.errors import ModelError
from negspace.facts import EncoderFacts, ModelFacts
from negspace.guidance.branch import Need
from negspace.guidance.catalogue import RULES
from negspace.models.architecture.autoencoders import KL, Autoencoder
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.architecture.scheduler_settings import has_few_steps, unrun_scheduler
from negspace.models.files.source import ModelFolder
from negspace.models.lora.originals import LayerTable
from negspace.models.samplers import AS_CONFIGURED, Spacing
from negspace.request import Request

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """The input of a network: rows of one kind, in its dtype and on its device.

    Attributes:
        x: [rows, channels, height, width].
        times: [rows] float32, the clock of the sampler.
        hidden: [rows, tokens, dim], the conditioning, and behind it those that a patch reads.
        pooled: [rows, dim], or None.
        mask: [rows, tokens] bool, which tokens the network may read; None is all of them.
        numbers: [rows, n] float32, the numbers that it is conditioned on; None where there are none.
    """

    x: "Tensor"
    times: "Tensor"
    hidden: "Tensor"
    pooled: "Tensor | None"
    mask: "Tensor | None"
    numbers: "Tensor | None"


@dataclass(frozen=True)
class Defaults:
    """What a request gets where neither it nor `negspace.json` says; `distilled` as in `ModelFacts`."""

    steps: int
    scale: float
    distilled: bool = False


class Family(ABC):
    """An architecture: its parts, its facts, and how its network is called.

    Class attributes:
        name, title: in `ModelFacts.family`, and for people.
        pipeline: the class of diffusers that an index names.
        text_encoders: in the order in which they are read.
        denoiser, vae: its networks.
        must_match: settings of the denoiser that another one must share to replace it.
        defaults: of a model of this family.
        trained_pixels, trained_aspect: as in `ModelFacts`.
        few_steps: steps of a model that is declared to be distilled to a few; 0 where there is none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    pipeline: ClassVar[str]
    text_encoders: ClassVar[tuple[TextPart, ...]]
    denoiser: ClassVar[ModelPart]
    vae: ClassVar[Autoencoder] = KL
    must_match: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels")
    defaults: ClassVar[Defaults]
    trained_pixels: ClassVar[tuple[int, int] | None] = None
    trained_aspect: ClassVar[float] = 2.0
    few_steps: ClassVar[int] = 0

    @abstractmethod
    def describe(self, folder: ModelFolder) -> ModelFacts:
        """The facts of a folder, without what `facts` adds; bad settings may raise KeyError and the like."""

    @abstractmethod
    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        """[rows, channels, height, width], the prediction of the network."""

    @property
    def parts(self) -> tuple[ModelPart, ...]:
        """Every network of it."""
        return (*self.text_encoders, self.denoiser, self.vae)

    def facts(self, folder: ModelFolder) -> ModelFacts:
        """The facts of a folder of this family: `describe`, its encoders and defaults.

        Raises:
            ModelError: settings are missing or damaged.
        """
        try:
            return self._with_defaults(self.describe(folder), folder)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            settings = f"settings of {self.denoiser.folder}, vae or text_encoder"
            reason = f"{type(error).__name__}: {error}"
            raise ModelError(f"{str(folder.path)!r} has {settings} amiss: {reason}") from None

    def _with_defaults(self, described: ModelFacts, folder: ModelFolder) -> ModelFacts:
        """Facts with the defaults of the family, and above them those of `negspace.json`."""
        defaults, few = self.defaults_of(folder), folder.few_steps if self.few_steps else None
        trained = folder.negspace_json.get("trained", {})
        pixels = trained.get("pixels", self.trained_pixels)
        facts = replace(
            described,
            family=self.name,
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", defaults.distilled)),
            steps=defaults.steps,
            scale=defaults.scale,
            trained_pixels=None if pixels is None else (int(pixels[0]), int(pixels[1])),
            trained_aspect=float(trained.get("aspect", self.trained_aspect)),
            scheduler=unrun_scheduler(folder),
            few_steps="" if few is None else few.kind,
            named_few_steps=few is None and self._seems_few_steps(folder),
        )
        own = folder.negspace_json.get("default", {})
        names = ("width", "height", "steps", "scale", "sampler", "guidance")
        usual = {name: getattr(facts, name) for name in names if name in own}
        return replace(facts, **{name: type(v)(own[name]) for name, v in usual.items() if v is not None})

    def defaults_of(self, folder: ModelFolder) -> Defaults:
        """The defaults of the model in a folder."""
        declared = folder.few_steps
        if declared is None or not self.few_steps:
            return self.defaults
        return Defaults(declared.steps or self.steps_of(declared.kind), scale=1.0, distilled=True)

    def steps_of(self, kind: str) -> int:
        """Steps of a model of this kind of distillation, in `negspace.models.files.few_steps.KINDS`."""
        return self.few_steps

    def _seems_few_steps(self, folder: ModelFolder) -> bool:
        """Whether nothing but its name says that a model is distilled to a few steps."""
        decided = (
            folder.few_step or "distilled" in folder.negspace_json or "few_steps" in folder.negspace_json
        )
        return bool(self.few_steps) and not decided and has_few_steps(folder.name)

    def present_encoders(self, folder: ModelFolder) -> tuple[TextPart, ...]:
        """The text encoders that a folder has; one that is not optional is taken to be there."""
        return tuple(part for part in self.text_encoders if not part.optional or part.folder in folder.parts)

    def encoder_facts(self, folder: ModelFolder) -> tuple[EncoderFacts, ...]:
        """The facts of the text encoders of a folder."""
        words = folder.negspace_json.get("words")
        learned = None if words is None else frozenset(str(word).lower() for word in words)
        parts = self.present_encoders(folder)
        return tuple(part.facts(folder.settings(part.folder), learned) for part in parts)

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        """Its text encoders, in the order of `text_encoders`, as one; a family with several overrides this.

        `settings` are those of the denoiser.
        """
        (encoder,) = encoders
        return encoder

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        """What applies patches to the network of the model `name`; by default nothing does."""
        from negspace.models.network.patching import NoPatchHost

        return NoPatchHost(name)

    def original_layers(self, settings: Mapping[str, Any], layers: Collection[str]) -> LayerTable:
        """What its layers are called in the program that it was published with, as many LoRA files do.

        Args:
            settings: of the network.
            layers: of it that have a weight.
        """
        return {}

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        """How the noise levels of a picture are spread, beyond what the scheduler's settings say.

        `shape` is (channels, height, width) of the latents.
        """
        return AS_CONFIGURED

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The numbers that the network is conditioned on: (of the positive branch, of every other)."""
        return (), ()


def rules_for(*attentions: Need) -> tuple[str, ...]:
    """The rules for a network with these attentions; every network can be paired with a weaker one."""
    return tuple(name for name, rule in RULES.items() if rule.needs() <= {"weak model", *attentions})
