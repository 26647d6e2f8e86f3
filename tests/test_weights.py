"""Public reports on weights, on the embedded model."""

from typing import Any

import numpy as np
import pytest

import negspace as ns
from negspace.generate import Model, Result


@pytest.fixture(scope="module")
def model() -> Model:
    return ns.load("embedded", dtype="float32")


def apart(first: Result, second: Result) -> float:
    """Root of the mean square of the differences of two pictures, in levels of 256."""
    pictures = [np.asarray(made.images[0]).astype(float) for made in (first, second)]
    return float(np.sqrt(((pictures[0] - pictures[1]) ** 2).mean()))


@pytest.mark.parametrize("avoid", ["(hat:0)", (ns.Avoid(term="hat", weight=0.0),)])
def test_a_weight_of_0_is_the_absence_of_the_word(model: Model, avoid: Any) -> None:
    """AUTOMATIC1111/stable-diffusion-webui#9220: `(x:0)` still changed the picture."""
    asked: dict[str, Any] = {"seed": 7, "steps": 2}
    made = model.generate("a snowman, night", avoid=avoid, **asked)
    bare = model.generate("a snowman, night", avoid="", **asked)
    assert made.images[0].tobytes() == bare.images[0].tobytes()
    assert not made.receipt.negative_acted and made.receipt.why_not == "every term weighs 0"
    assert any(one.code == "weight" and "it is left out" in one.text for one in made.receipt.findings)


def test_a_tiny_negative_weight_does_next_to_nothing(model: Model) -> None:
    """hako-mikan/sd-webui-negpip#51: `(x:-0.0001)` acted like `(x:-1)`."""
    asked: dict[str, Any] = {"seed": 9, "steps": 4}
    bare = model.generate("a snowman, night", **asked)
    sizes = [
        apart(model.generate(f"a snowman, night (hat:{weight})", **asked), bare)
        for weight in ("0", "-0.0001", "-0.01", "-0.1", "-0.5", "-1")
    ]
    assert sizes[0] == 0 and sizes[1] < 1 < 10 < sizes[-1]
    assert sizes == sorted(sizes), sizes
