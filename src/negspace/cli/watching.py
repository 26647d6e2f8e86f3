"""A progress bar on stderr for measurements of many pictures."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from negspace.cli import show

if TYPE_CHECKING:
    from negspace.lab.progress import Progress


def watch(measuring: "Iterable[Progress]", most: int | None = None) -> None:
    """Carry a measurement to its end, showing how far it is.

    Args:
        measuring: makes pictures while it is iterated.
        most: pictures it takes at most, where that is known before the first one.
    """
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed} pictures, at most {task.fields[left]} to come, {task.fields[time]}"),
    )
    unknown = "pace unknown yet"
    with Progress(*columns, console=show.err, transient=True, disable=not show.err.is_terminal) as bar:
        task = bar.add_task("opening", total=most, left=most, time=unknown)
        for step in measuring:
            time = unknown if step.seconds is None else f"at most {_told(step.seconds)}"
            bar.update(
                task,
                description=step.stage,
                completed=step.done,
                total=step.done + step.left,
                left=step.left,
                time=time,
            )


def _told(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
