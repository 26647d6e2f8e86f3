"""Sizes that a model was trained at: what is near to them, and what is to be said of others."""

from collections.abc import Iterator

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.request import Request


def fit_size(request: Request, facts: ModelFacts) -> Request:
    """The request at the nearest size that the model was trained at, where it wants that.

    A picture to start from keeps its size.
    """
    width, height = _size(request, facts)
    if not request.fit_size or request.start is not None or facts.trained_at(width, height):
        return request
    near = _nearest(width, height, facts)
    return request.model_copy(update={"width": near[0], "height": near[1]})


def size_findings(request: Request, carried: Request, facts: ModelFacts) -> Iterator[Finding]:
    """What a size means for the picture: that it was replaced, or that the model never saw it."""
    (width, height), made = _size(request, facts), _size(carried, facts)
    if made != (width, height):
        factor = (made[0] * made[1] / (width * height)) ** 0.5
        text = f"size {width}x{height} became {made[0]}x{made[1]} (factor {factor:.3g}): {_trained(facts)}"
        yield Finding("size-fitted", text, level="note")
    elif not facts.trained_at(width, height):
        near = "x".join(map(str, _nearest(width, height, facts)))
        text = f"{facts.name} was not trained at {width}x{height}, which often doubles or garbles things"
        pixels = width * height / (facts.width * facts.height)
        slow = (
            f", and a step takes at least {pixels:.0f} times as long as at its own size" if pixels > 2 else ""
        )
        yield Finding("size-untrained", f"{text}; {near} is the nearest size that it was{slow}")


def _size(request: Request, facts: ModelFacts) -> tuple[int, int]:
    width, height = request.size
    return width or facts.width, height or facts.height


def _trained(facts: ModelFacts) -> str:
    return f"{facts.name} was trained at about {facts.width}x{facts.height}"


def _nearest(width: int, height: int, facts: ModelFacts) -> tuple[int, int]:
    """The size with the pixels of the default size that is most like this one in shape."""
    aspect = min(max(width / height, 1 / facts.trained_aspect), facts.trained_aspect)
    pixels = facts.width * facts.height
    sides = (pixels * aspect) ** 0.5, (pixels / aspect) ** 0.5
    rounded = (max(round(side / facts.multiple), 1) * facts.multiple for side in sides)
    return next(rounded), next(rounded)
