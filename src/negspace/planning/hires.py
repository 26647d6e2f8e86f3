"""The second pass of a plan: how large and how long it is."""

from collections.abc import Iterator

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.hires import Hires
from negspace.request import Request


def planned_hires(request: Request, facts: ModelFacts, steps: int) -> Hires | None:
    """The second pass that a request asks for, with its size and steps; None where it asks for none.

    Args:
        steps: of the first pass.

    Raises:
        RequestError: the model cannot make it.
    """
    if request.hires is None:
        return None
    return request.hires.resolved(*_size(request, facts), steps, facts.multiple)


def hires_findings(request: Request, facts: ModelFacts, steps: int) -> Iterator[Finding]:
    """That another size is made than was asked for."""
    requested, planned = request.hires, planned_hires(request, facts, steps)
    if requested is None or planned is None or requested.width is not None:
        return
    exact = tuple(side * requested.scale for side in _size(request, facts))
    if exact != (planned.width, planned.height):
        size, made = f"{exact[0]:g}x{exact[1]:g}", f"{planned.width}x{planned.height}"
        text = f"hires size {size} became {made}: {facts.name} makes multiples of {facts.multiple}"
        yield Finding("size-fitted", text, level="note")


def _size(request: Request, facts: ModelFacts) -> tuple[int, int]:
    width, height = request.size
    return width or facts.width, height or facts.height
