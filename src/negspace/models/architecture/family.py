"""Family: what sets one architecture apart from the others. One final subclass a file."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from negspace.errors import ModelError
from negspace.facts import EncoderFacts, ModelFacts
from negspace.guidance.branch import Need
from negspace.guidance.catalogue import RULES
from negspace.models.architecture.autoencoders import KL, Autoencoder
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import AS_CONFIGURED, Spacing
from negspace.request import Request

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """What a network is asked: rows of one kind, in its own arithmetic and place.

    Attributes:
        x: [rows, channels, height, width].
        times: [rows] float32, the clock of the sampler.
        hidden: [rows, tokens, dim], what is told; behind it what a patch reads.
        pooled: [rows, dim], or None.
        mask: [rows, tokens] bool, where the network may look; None is everywhere.
        numbers: [rows, n] float32, what is told in numbers; None where nothing is.
    """

    x: "Tensor"
    times: "Tensor"
    hidden: "Tensor"
    pooled: "Tensor | None"
    mask: "Tensor | None"
    numbers: "Tensor | None"


class Family(ABC):
    """An architecture: its parts, what it can be told, and how its network is asked.

    Class attributes:
        name: in `ModelFacts.family`.
        title: for people.
        pipeline: the class that an index names.
        texts: its text encoders, in the order in which they are read.
        denoiser, vae: its networks.
        alike: settings of the denoiser that another one must share to stand for it.
        lora: what reads LoRA files for it, in `diffusers.loaders.lora_pipeline`; "" where nothing does.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    pipeline: ClassVar[str]
    text_encoders: ClassVar[tuple[TextPart, ...]]
    denoiser: ClassVar[ModelPart]
    vae: ClassVar[Autoencoder] = KL
    must_match: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels")
    lora_mixin: ClassVar[str] = ""

    @abstractmethod
    def describe(self, folder: ModelFolder) -> ModelFacts:
        """The facts of a folder of this family; settings that are amiss may raise KeyError and alike."""

    @abstractmethod
    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        """[rows, channels, height, width], what the network says."""

    @property
    def parts(self) -> tuple[ModelPart, ...]:
        """Every network of it."""
        return (*self.text_encoders, self.denoiser, self.vae)

    def facts(self, folder: ModelFolder) -> ModelFacts:
        """What a model of this family can be told.

        Raises:
            ModelError: settings are missing or amiss.
        """
        try:
            return self.describe(folder)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"{type(error).__name__}: {error}"
            settings = f"settings of {self.denoiser.folder}, vae or text_encoder"
            raise ModelError(f"{str(folder.path)!r} has {settings} amiss: {reason}") from None

    def present_encoders(self, folder: ModelFolder) -> tuple[TextPart, ...]:
        """The text encoders that a folder has; one that is not optional is taken to be there."""
        return tuple(part for part in self.text_encoders if not part.optional or part.folder in folder.parts)

    def encoder_facts(self, folder: ModelFolder) -> tuple[EncoderFacts, ...]:
        """What is known of the text encoders of a folder."""
        words = folder.negspace_json.get("words")
        learned = None if words is None else frozenset(str(word).lower() for word in words)
        return tuple(
            part.facts(folder.settings(part.folder), learned) for part in self.present_encoders(folder)
        )

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        """Its text encoders as one; a family with several says how.

        Args:
            encoders: those that are there, in the order of `texts`.
            settings: of the denoiser.
        """
        (encoder,) = encoders
        return encoder

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        """The places of the network that patches change; none, unless a family says where they are."""
        from negspace.models.network.patching import NoPatchHost

        return NoPatchHost(name)

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        """How the noise levels of a picture are spread, beyond what the scheduler's settings say.

        Args:
            settings: of the scheduler.
            steps: of the request.
            shape: (channels, height, width) of the latents.
        """
        return AS_CONFIGURED

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What the network is told in numbers on the positive side, and on every other."""
        return (), ()


def rules_for(*there: Need) -> tuple[str, ...]:
    """The rules for a network that has these; every network can stand beside a weaker one."""
    return tuple(name for name, rule in RULES.items() if rule.needs() <= {"weak model", *there})


def chosen(folder: ModelFolder, **otherwise: Any) -> dict[str, Any]:
    """Size, steps, scale and sampler that a folder's `negspace.json` sets, and others where it sets none."""
    default = folder.negspace_json.get("default", {})
    made = {name: type(value)(default.get(name, value)) for name, value in otherwise.items()}
    return {"name": folder.name, **made}
