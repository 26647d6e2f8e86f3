"""How tensors of a LoRA file, or of one of its relatives, change the weight of a layer.

LoRA: Hu et al., arXiv 2106.09685. LoCon, LoHa, LoKr, full differences, norms and (IA)^3: LyCORIS, Yeh et al.,
arXiv 2309.14859. DoRA: Liu et al., arXiv 2402.09353.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
"""The tensors of one layer by their role; `negspace.models.lora.file` says which ending is which role."""


@dataclass(frozen=True)
class UpdateForm:
    """One way to write the change of a weight.

    Attributes:
        needs, may: roles of the tensors that it must and can have.
        change: the unscaled change, of as many values as the weight, from the tensors and the weight.
        rank: of its factors; None where it has none, and then alpha does not act.
    """

    needs: frozenset[str]
    may: frozenset[str]
    change: Callable[[Tensors, Tensor], Tensor]
    rank: Callable[[Tensors], int | None] = lambda _: None


EVERYWHERE = frozenset({"alpha", "scalar", "magnitude", "dora_scale", "diff_b", "b_norm", "up_bias"})
"""Roles that go with every form."""


def _low_rank(tensors: Tensors, weight: Tensor) -> Tensor:
    up, down = tensors["up"].flatten(1), tensors["down"].flatten(1)
    if "mid" not in tensors:
        return up @ down
    return torch.einsum("oi,ijkl,jn->onkl", up, tensors["mid"], down)


def _hadamard(tensors: Tensors, weight: Tensor) -> Tensor:
    return _hadamard_factor(tensors, "1") * _hadamard_factor(tensors, "2")


def _hadamard_factor(tensors: Tensors, number: str) -> Tensor:
    a, b = tensors[f"hada_w{number}_a"], tensors[f"hada_w{number}_b"]
    core = tensors.get(f"hada_t{number}")
    return a @ b if core is None else torch.einsum("ijkl,jr,ip->prkl", core, b, a)


def _kronecker(tensors: Tensors, weight: Tensor) -> Tensor:
    left, right = (_kronecker_factor(tensors, number) for number in ("1", "2"))
    return torch.kron(left.reshape(*left.shape, *[1] * (right.ndim - left.ndim)), right.contiguous())


def _kronecker_factor(tensors: Tensors, number: str) -> Tensor:
    whole = tensors.get(f"lokr_w{number}")
    if whole is not None:
        return whole
    a, b = tensors[f"lokr_w{number}_a"], tensors[f"lokr_w{number}_b"]
    core = tensors.get(f"lokr_t{number}")
    return a @ b.flatten(1) if core is None else torch.einsum("ijkl,ip,jr->prkl", core, a, b)


def _kronecker_rank(tensors: Tensors) -> int | None:
    return next((len(tensors[role]) for role in ("lokr_w2_b", "lokr_w1_b") if role in tensors), None)


def _form(
    needs: str,
    change: Callable[[Tensors, Tensor], Tensor],
    may: str = "",
    rank: Callable[[Tensors], int | None] = lambda _: None,
) -> UpdateForm:
    return UpdateForm(frozenset(needs.split()), frozenset(may.split()), change, rank)


_HADAMARD = "hada_w1_a hada_w1_b hada_w2_a hada_w2_b"
_KRONECKER = product(("lokr_w1", "lokr_w1_a lokr_w1_b"), ("lokr_w2", "lokr_w2_a lokr_w2_b"))

FORMS: tuple[UpdateForm, ...] = (
    _form("down up", _low_rank, "mid", lambda tensors: len(tensors["down"])),
    _form(_HADAMARD, _hadamard, "hada_t1 hada_t2", lambda tensors: len(tensors["hada_w1_b"])),
    *(_form(f"{left} {right}", _kronecker, "lokr_t2", _kronecker_rank) for left, right in _KRONECKER),
    _form("diff", lambda tensors, weight: tensors["diff"]),
    _form("w_norm", lambda tensors, weight: tensors["w_norm"]),
    _form("set", lambda tensors, weight: _fitting(tensors["set"], weight) - weight),
    _form("ia3 on_input", lambda tensors, weight: tensors["ia3"] * weight),
    _form("diff_b", lambda tensors, weight: torch.zeros_like(weight)),
)
"""Every form that is carried out; no two fit the same roles."""


def find_form(roles: Set[str]) -> UpdateForm | None:
    """The form of the tensors with these roles; None where they are not whole or of no form."""
    fitting = (form for form in FORMS if form.needs <= roles <= form.needs | form.may | EVERYWHERE)
    return next(fitting, None)


@dataclass(frozen=True)
class LayerUpdate:
    """The change of one layer.

    Attributes:
        form: how it is written.
        tensors: by role, as in the file.
        scale: alpha / rank, by which its product counts.
    """

    form: UpdateForm
    tensors: Tensors
    scale: float = 1.0

    def changed(self, weight: Tensor, strength: float) -> Tensor:
        """W + strength * (the change), float32 as `weight` is.

        For DoRA the change is m V / |V| - W with V = W + scale * B A, so that it fades evenly to nothing.

        Raises:
            RuntimeError, ValueError: the tensors are of other sizes.
        """
        tensors = {role: tensor.float().to(weight.device) for role, tensor in self.tensors.items()}
        scale = self.scale * float(tensors.get("scalar", torch.ones(())))
        change = scale * _fitting(self.form.change(tensors, weight), weight)
        if magnitude := _magnitude(tensors, weight):
            lengths, axis = magnitude
            direction = weight + change
            change = direction * (lengths / _norms(direction, axis)) - weight
        return weight + strength * change

    @property
    def changes_bias(self) -> bool:
        """Whether it changes the bias too."""
        return not {"diff_b", "b_norm", "up_bias"}.isdisjoint(self.tensors)

    def changed_bias(self, bias: Tensor, strength: float) -> Tensor:
        """The bias with the change, float32 as `bias` is.

        Raises:
            ValueError: the tensors are of other sizes.
        """
        factors = {"diff_b": 1.0, "b_norm": 1.0, "up_bias": self.scale}
        for role, factor in factors.items():
            if role in self.tensors:
                difference = _fitting(self.tensors[role].float().to(bias.device), bias)
                bias = bias + strength * factor * difference
        return bias


def _fitting(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor of as many rows and values as another, in its shape.

    Raises:
        ValueError: it has others.
    """
    if len(tensor) != len(like) or tensor.numel() != like.numel():
        raise ValueError(f"sizes {list(tensor.shape)} and {list(like.shape)}")
    return tensor.reshape(like.shape)


def _magnitude(tensors: Tensors, weight: Tensor) -> tuple[Tensor, int] | None:
    """(lengths, ready to multiply; the axis whose entries have them), of DoRA.

    peft has one length for every row. LyCORIS has one for every row or one for every column, by the shape.
    """
    lengths = tensors.get("magnitude", tensors.get("dora_scale"))
    if lengths is None:
        return None
    axis = 0 if "magnitude" in tensors or len(lengths) == len(weight) else 1
    if lengths.numel() != weight.shape[axis]:
        raise ValueError(f"{lengths.numel()} lengths for {weight.shape[axis]} rows or columns")
    return lengths.reshape([-1 if place == axis else 1 for place in range(weight.ndim)]), axis


def _norms(weight: Tensor, axis: int) -> Tensor:
    others = [place for place in range(weight.ndim) if place != axis]
    return torch.linalg.vector_norm(weight, dim=others, keepdim=True)
