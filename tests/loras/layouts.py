"""Small LoRA files under the names of their trainers, with what each must make of the weights by hand.

The names are written down here from the trainers' files, apart from the tables that read them back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

State = dict[str, Tensor]
Weights = Mapping[str, State]
"""Tensors by part and name."""

RANK, STRENGTH = 2, 0.7


def weights_of(folder: Path, part: str) -> State:
    """The weights of a part."""
    (file,) = (folder / part).glob("*.safetensors")
    return load_file(file)


@dataclass
class LoraStandIn:
    """A file, and the weights that it makes at `STRENGTH`.

    Attributes:
        state, metadata: of the file.
        expected: the weights that it changes, by part and name, from the formula.
    """

    state: State = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    expected: dict[str, State] = field(default_factory=dict)


@dataclass(frozen=True)
class Trainer:
    """How a trainer names what it trains.

    Attributes:
        name: of a layer, from its part and its path in diffusers.
        layers: which layers of a part it trains; ends of their paths.
        ends: of the two matrices, the second factor first.
        alpha: end of alpha's name; "" writes none, which is alpha = rank.
        families: that have this layout.
        in_diffusers: those whose files diffusers 0.42 opens whole; of others it leaves layers out silently.
        texts: whether it trains text encoders, and whether the network.
    """

    name: Callable[[str, str], str]
    layers: tuple[str, ...] = ()
    ends: tuple[str, str] = (".lora_down.weight", ".lora_up.weight")
    alpha: str = ".alpha"
    families: tuple[str, ...] = ("sd", "sdxl")
    in_diffusers: tuple[str, ...] = ("sd", "sdxl")
    texts: bool = False
    network: bool = True

    def file(self, parts: Weights, alpha: float | None = None) -> LoraStandIn:
        """A file for a model with these weights.

        Args:
            parts: the weights.
            alpha: of every layer; None is another for each.
        """
        made, generator = LoraStandIn(), torch.Generator().manual_seed(11)
        for part, weights in parts.items():
            if not (self.texts if part.startswith("text") else self.network):
                continue
            for name, weight in weights.items():
                path = name.removesuffix(".weight")
                if path != name and weight.ndim in (2, 4) and path.endswith(self.layers or _TRAINED):
                    self._add(made, generator, part, path, weight, alpha)
        return made

    def _add(
        self,
        made: LoraStandIn,
        generator: torch.Generator,
        part: str,
        path: str,
        weight: Tensor,
        given: float | None,
    ) -> None:
        down = torch.randn(RANK, *weight.shape[1:], generator=generator) * 0.3
        up = torch.randn(len(weight), RANK, *[1] * (weight.ndim - 2), generator=generator) * 0.3
        drawn = 1.0 + torch.rand((), generator=generator) if given is None else torch.tensor(given)
        alpha = drawn if self.alpha else torch.tensor(float(RANK))
        name = self.name(part, path)
        made.state |= {name + self.ends[0]: down, name + self.ends[1]: up}
        if self.alpha:
            made.state[name + self.alpha] = alpha
        delta = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
        expected = weight + STRENGTH * float(alpha) / RANK * delta
        made.expected.setdefault(part, {})[f"{path}.weight"] = expected


_ATTENTION = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "attn2.to_k")
_TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "mlp.fc1", "mlp.fc2")
_JOINT = ("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0", "attn.add_q_proj", "attn.to_add_out")
_FEED = ("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "ff_context.net.0.proj", "proj_mlp")
_TRAINED = (*_ATTENTION, *_JOINT, *_FEED, *_TEXT, "SelfAttention.q", "DenseReluDense.wo")
_CONVOLUTIONS = (
    "conv1",
    "conv2",
    "conv_shortcut",
    "time_emb_proj",
    "downsamplers.0.conv",
    "upsamplers.0.conv",
)


def under_text_model(path: str) -> str:
    """CLIP's layers as its makers name them, whatever the version of transformers leaves out."""
    clip = path.startswith(("encoder.layers", "text_model."))
    return f"text_model.{path.removeprefix('text_model.')}" if clip else path


def kohya(part: str, path: str) -> str:
    """sd-scripts and LyCORIS: lora_unet_down_blocks_0_.."""
    numbers = {"text_encoder": "te1", "text_encoder_2": "te2", "text_encoder_3": "te3"}
    return f"lora_{numbers.get(part, 'unet')}_{under_text_model(path).replace('.', '_')}"


def kohya_single(part: str, path: str) -> str:
    """The same where a model has one text encoder."""
    return kohya(part, path).replace("lora_te1_", "lora_te_")


def dotted(part: str, path: str) -> str:
    """diffusers and peft: unet.down_blocks.0.."""
    return f"{part}.{under_text_model(path)}"


def processor(part: str, path: str) -> str:
    """Attention processors of early diffusers: ..attn1.processor.to_q, to_out for to_out.0."""
    block, _, layer = path.removesuffix(".0").rpartition(".")
    return f"{block}.processor.{layer}"


def comfy(part: str, path: str) -> str:
    """ComfyUI and ai-toolkit: diffusion_model.transformer_blocks.0.."""
    return f"diffusion_model.{path}"


def bare(part: str, path: str) -> str:
    """peft as it saves one network: base_model.model.transformer_blocks.0.."""
    return f"base_model.model.{path}"


PEFT = (".lora_A.weight", ".lora_B.weight")
ALL = ("sd", "sdxl", "sd3", "flux")
TRANSFORMERS = ("sd3", "flux")

TRAINERS: dict[str, Trainer] = {
    "kohya with text encoders": Trainer(kohya, texts=True),
    "kohya with one text encoder": Trainer(kohya_single, texts=True, families=("sd",), in_diffusers=("sd",)),
    "kohya attention alone": Trainer(kohya, _ATTENTION),
    "kohya text encoders alone": Trainer(kohya, texts=True, network=False),
    "kohya with text encoders, transformer": Trainer(
        kohya, texts=True, families=TRANSFORMERS, in_diffusers=()
    ),
    "kohya without alpha": Trainer(kohya, alpha=""),
    "LoCon": Trainer(kohya, (*_ATTENTION, *_CONVOLUTIONS)),
    "ends of the UNet": Trainer(kohya, ("conv_in", "conv_out", "time_embedding.linear_1"), in_diffusers=()),
    "attention processors": Trainer(
        processor,
        ("attn1.to_q", "attn2.to_v", "attn1.to_out.0"),
        ("_lora.down.weight", "_lora.up.weight"),
        "",
        in_diffusers=(),
    ),
    "early diffusers": Trainer(dotted, _ATTENTION, (".lora.down.weight", ".lora.up.weight"), ""),
    "early diffusers with text encoders": Trainer(
        dotted,
        _TEXT,
        (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
        "",
        texts=True,
        network=False,
    ),
    "peft": Trainer(dotted, (), PEFT, "", ALL, ALL, texts=True),
    "peft with alpha in its keys": Trainer(dotted, (), PEFT, ".alpha", ALL, ()),
    "peft with a named adapter": Trainer(
        dotted, (), (".lora_A.default.weight", ".lora_B.default.weight"), "", ALL, ()
    ),
    "peft of one network": Trainer(bare, (), PEFT, "", ALL, ()),
    "ai-toolkit": Trainer(comfy, (), PEFT, "", ALL, ()),
    "ComfyUI": Trainer(comfy, (), alpha=".alpha", families=ALL, in_diffusers=()),
    "OneTrainer": Trainer(
        lambda part, path: kohya(part, path).replace("lora_unet_", "lora_transformer_"),
        families=TRANSFORMERS,
        in_diffusers=(),
        texts=True,
    ),
    "LyCORIS": Trainer(
        lambda part, path: kohya(part, path).replace("lora_unet_", "lycoris_"), families=ALL, in_diffusers=()
    ),
}
"""Every layout that names the layers of diffusers."""
