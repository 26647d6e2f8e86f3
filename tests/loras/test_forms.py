"""Every form of a change: by hand, against peft, and what all have in common."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from negspace.models.lora.updates import FORMS, LayerUpdate, find_form

OUT, INTO, RANK = 6, 4, 3


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


LINEAR = draw(OUT, INTO, seed=90)
CONVOLUTION = draw(OUT, INTO, 3, 3, seed=91)
NORM = draw(OUT, seed=92)

LOW_RANK = {"down": draw(RANK, INTO), "up": draw(OUT, RANK, seed=1)}
HADAMARD = {
    "hada_w1_a": draw(OUT, RANK),
    "hada_w1_b": draw(RANK, INTO),
    "hada_w2_a": draw(OUT, RANK, seed=2),
    "hada_w2_b": draw(RANK, INTO, seed=2),
}
EXAMPLES: dict[str, tuple[dict[str, Tensor], Tensor]] = {
    "LoRA": (LOW_RANK, LINEAR),
    "LoCon": ({"down": draw(RANK, INTO, 3, 3), "up": draw(OUT, RANK, 1, 1)}, CONVOLUTION),
    "LoCon with a core": (
        {"down": draw(RANK, INTO, 1, 1), "mid": draw(RANK, RANK, 3, 3), "up": draw(OUT, RANK, 1, 1)},
        CONVOLUTION,
    ),
    "DoRA by rows": ({**LOW_RANK, "magnitude": draw(OUT).abs()}, LINEAR),
    "DoRA by columns": ({**LOW_RANK, "dora_scale": draw(1, INTO).abs()}, LINEAR),
    "LoHa": (HADAMARD, LINEAR),
    "LoHa with cores": (
        {
            "hada_w1_a": draw(RANK, OUT),
            "hada_w1_b": draw(RANK, INTO),
            "hada_t1": draw(RANK, RANK, 3, 3),
            "hada_w2_a": draw(RANK, OUT, seed=3),
            "hada_w2_b": draw(RANK, INTO, seed=3),
            "hada_t2": draw(RANK, RANK, 3, 3, seed=3),
        },
        CONVOLUTION,
    ),
    "LoKr whole": ({"lokr_w1": draw(2, 2), "lokr_w2": draw(3, 2)}, LINEAR),
    "LoKr": ({"lokr_w1": draw(2, 2), "lokr_w2_a": draw(3, RANK), "lokr_w2_b": draw(RANK, 2)}, LINEAR),
    "LoKr of both": (
        {
            "lokr_w1_a": draw(2, 1),
            "lokr_w1_b": draw(1, 2),
            "lokr_w2_a": draw(3, RANK),
            "lokr_w2_b": draw(RANK, 2),
        },
        LINEAR,
    ),
    "LoKr of a convolution": (
        {"lokr_w1": draw(2, 2), "lokr_w2_a": draw(3, RANK), "lokr_w2_b": draw(RANK, 2 * 9)},
        CONVOLUTION,
    ),
    "LoKr with a core": (
        {
            "lokr_w1": draw(2, 2),
            "lokr_w2_a": draw(RANK, 3),
            "lokr_w2_b": draw(RANK, 2),
            "lokr_t2": draw(RANK, RANK, 3, 3),
        },
        CONVOLUTION,
    ),
    "difference": ({"diff": draw(OUT, INTO)}, LINEAR),
    "norm": ({"w_norm": draw(OUT)}, NORM),
    "replaced": ({"set": draw(OUT)}, NORM),
    "(IA)^3 of outputs": ({"ia3": draw(OUT, 1), "on_input": torch.tensor(False)}, LINEAR),
    "(IA)^3 of inputs": ({"ia3": draw(1, INTO), "on_input": torch.tensor(True)}, LINEAR),
}


def update(tensors: dict[str, Tensor], scale: float = 1.0) -> LayerUpdate:
    form = find_form(tensors.keys())
    assert form is not None
    return LayerUpdate(form, tensors, scale)


def by_hand(tensors: dict[str, Tensor], weight: Tensor, scale: float) -> np.ndarray:
    """The weight at strength 1, value by value."""
    t = {role: tensor.double().numpy() for role, tensor in tensors.items()}
    w = weight.double().numpy()
    delta = np.zeros_like(w)
    for place in np.ndindex(*w.shape):
        o, i, *k = place if w.ndim > 1 else (*place, 0)
        delta[place] = scale * _value(t, o, i, tuple(k))
    if "ia3" in t:
        delta = w * t["ia3"]
    if "set" in t:
        delta = t["set"] - w
    if "magnitude" in t:
        direction = w + delta
        return direction * t["magnitude"][:, None] / np.linalg.norm(direction, axis=1, keepdims=True)
    if "dora_scale" in t:
        direction = w + delta
        return direction * t["dora_scale"] / np.linalg.norm(direction, axis=0, keepdims=True)
    return w + delta


def _value(t: dict[str, np.ndarray], o: int, i: int, k: tuple[int, ...]) -> float:
    """One value of a difference: out, in, place in the kernel."""
    for role in ("diff", "w_norm"):
        if role in t:
            return t[role][o, i] if t[role].ndim == 2 else t[role][o]
    if "mid" in t:
        ranks = range(RANK)
        return sum(
            t["up"][o, p, 0, 0] * t["mid"][(p, q, *k)] * t["down"][q, i, 0, 0] for p in ranks for q in ranks
        )
    if "up" in t:
        return sum(t["up"][(o, p, *[0] * len(k))] * t["down"][(p, i, *k)] for p in range(RANK))
    if "hada_w1_a" in t:
        return _factor(t, "hada_w1", "hada_t1", o, i, k) * _factor(t, "hada_w2", "hada_t2", o, i, k)
    if any(role.startswith("lokr") for role in t):
        (first_out, second_out), (first_in, second_in) = divmod(o, OUT // 2), divmod(i, INTO // 2)
        left = _factor(t, "lokr_w1", "lokr_t1", first_out, first_in, ())
        return left * _factor(t, "lokr_w2", "lokr_t2", second_out, second_in, k)
    return 0.0


def _factor(t: dict[str, np.ndarray], name: str, core: str, o: int, i: int, k: tuple[int, ...]) -> float:
    if name in t:
        return t[name][o, i]
    a, b = t[f"{name}_a"], t[f"{name}_b"]
    if core in t:
        ranks = range(len(b))
        return sum(a[p, o] * t[core][(p, q, *k)] * b[q, i] for p in ranks for q in ranks)
    column = (i * 3 + k[0]) * 3 + k[1] if k else i
    return sum(a[o, p] * b[p, column] for p in range(len(b)))


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_form_by_hand(name: str, scale: float) -> None:
    tensors, weight = EXAMPLES[name]
    factored = update(tensors).form.rank(tensors) is not None
    made = update(tensors, scale if factored else 1.0).changed(weight, 1.0)
    np.testing.assert_allclose(made.numpy(), by_hand(tensors, weight, scale if factored else 1.0), atol=1e-5)


@settings(deadline=None)
@given(name=st.sampled_from(sorted(EXAMPLES)), strength=st.floats(-2, 2, width=32))
def test_strength_is_a_straight_line_from_no_change(name: str, strength: float) -> None:
    """W at 0, and W + s (W' - W) at s."""
    tensors, weight = EXAMPLES[name]
    one = update(tensors)
    assert torch.equal(one.changed(weight, 0.0), weight)
    line = weight + strength * (one.changed(weight, 1.0) - weight)
    torch.testing.assert_close(one.changed(weight, strength), line, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", EXAMPLES)
def test_exactly_one_form_fits_and_none_without_a_tensor(name: str) -> None:
    tensors, _ = EXAMPLES[name]
    roles = set(tensors)
    fitting = [form for form in FORMS if form.needs <= roles]
    assert len(fitting) == 1 or {"diff_b"} in [form.needs for form in fitting]
    for role in roles - {"mid", "hada_t1", "hada_t2", "lokr_t2", "magnitude", "dora_scale"}:
        assert find_form(roles - {role}) is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_tensors_of_another_size_are_refused(name: str) -> None:
    tensors, weight = EXAMPLES[name]
    for other in (weight[:-1], weight.repeat(2, *[1] * (weight.ndim - 1)), weight[:1]):
        if update(tensors).form.needs == {"ia3", "on_input"} and tensors["ia3"].shape[0] == 1:
            continue  # fits any number of rows
        with pytest.raises((RuntimeError, ValueError)):
            update(tensors).changed(other, 1.0)


def test_biases() -> None:
    tensors = {**LOW_RANK, "up_bias": draw(OUT), "diff_b": draw(OUT, seed=4)}
    made = update(tensors, 0.5).changed_bias(NORM, 0.8)
    torch.testing.assert_close(made, NORM + 0.8 * (0.5 * tensors["up_bias"] + tensors["diff_b"]))
    alone = update({"diff_b": draw(OUT)})
    assert alone.changes_bias and torch.equal(alone.changed(LINEAR, 1.0), LINEAR)
    with pytest.raises(ValueError, match="sizes"):
        alone.changed_bias(NORM[:-1], 1.0)


# Against peft, whose files have the same roles


def of_peft(config: Any, module: torch.nn.Module) -> tuple[dict[str, Tensor], Tensor]:
    """(the tensors that peft trains for a layer, the weight that it merges them into)."""
    from peft import get_peft_model, get_peft_model_state_dict

    torch.manual_seed(7)
    model: Any = get_peft_model(torch.nn.Sequential(module), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn_like(parameter) * 0.3 + (2.0 if "magnitude" in name else 0.0))
    state = {
        name.removeprefix("base_model.model.0."): tensor.clone()
        for name, tensor in get_peft_model_state_dict(model).items()
    }
    return state, model.merge_and_unload()[0].weight.detach()


CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "LoRA": ("LoraConfig", {"r": 3, "lora_alpha": 5}),
    "DoRA": ("LoraConfig", {"r": 3, "lora_alpha": 5, "use_dora": True}),
    "LoHa": ("LoHaConfig", {"r": 3, "alpha": 5, "init_weights": False}),
    "LoKr": ("LoKrConfig", {"r": 1, "alpha": 5, "init_weights": False}),
    "LoKr of both": ("LoKrConfig", {"r": 1, "alpha": 5, "decompose_both": True, "init_weights": False}),
}


@pytest.mark.parametrize("kind", ["linear", "convolution"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_form_as_peft_merges_it(name: str, kind: str) -> None:
    import peft

    config, fields = CONFIGS[name]
    module = torch.nn.Linear(16, 24) if kind == "linear" else torch.nn.Conv2d(16, 24, 3)
    weight = module.weight.detach().clone()
    state, merged = of_peft(getattr(peft, config)(target_modules=["0"], **fields), module)
    ends = {"lora_A.weight": "down", "lora_B.weight": "up", "lora_magnitude_vector": "magnitude"}
    tensors = {ends.get(role, role): tensor for role, tensor in state.items()}
    rank = update(tensors).form.rank(tensors)
    alpha = fields.get("lora_alpha", fields.get("alpha", 1.0))
    made = update(tensors, 1.0 if rank is None else alpha / rank).changed(weight, 1.0)
    torch.testing.assert_close(made, merged, atol=1e-5, rtol=1e-5)
