"""Opening models and making pictures for a command line, with progress on stderr."""

import os
import sys
from collections.abc import Iterable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from negspace.cli.show import err
from negspace.generate import Model, Result
from negspace.judge import Judge
from negspace.lab.progress import Progress as Measured
from negspace.lab.workers import Site
from negspace.models.files.source import Source, find_model
from negspace.planning.plan import Plan
from negspace.run.escalation import Limits


def open_model(source: Source, judge: Judge | None = None, limits: Limits | None = None) -> Model:
    """The model, with a word on stderr while it is read.

    Args:
        source: what is to be opened.
        judge: looks at the pictures; None is the model's own.
        limits: how often a picture is made again.

    Raises:
        ModelError: it cannot be opened.
    """
    message = f"opening {source.path}"
    if find_model(source).hub_id:  # its client shows how far it is, which a moving line would spoil
        err.print(message)
        return Model(source, None, None, None, judge, limits)
    with err.status(message):
        return Model(source, None, None, None, judge, limits)


def make(model: Model, plan: Plan) -> Result:
    """The pictures of a plan.

    Raises:
        NegspaceError: as `Model.run`.
    """
    run = model.run(plan)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(plan.request.prompt[:40], total=run.total)
        for done in run:
            progress.update(task, completed=done, total=run.total)  # a check may ask for more
    return run.result()


def site_of(model: Model, workers: int | None, cluster: str | None) -> Site:
    """Where the pictures of a long measurement are made.

    Where nothing was asked for, on a CPU one process a core, as far as half of the memory holds them all:
    forwards of small pictures gain little from a second thread. Else this process alone.

    Raises:
        LabError: that cannot be.
    """
    if workers is None and cluster is None and sys.platform == "linux":
        from resource import RUSAGE_SELF, getrusage

        if model.network().device.type == "cpu":
            cores = len(os.sched_getaffinity(0))
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            workers = max(1, min(cores, memory // 2 // (1024 * getrusage(RUSAGE_SELF).ru_maxrss)))
    return Site(workers, cluster)


def watch(measuring: Iterable[Measured], most: int | None = None) -> None:
    """Carry a measurement to its end, showing how far it is.

    Args:
        measuring: makes pictures while it is iterated.
        most: pictures it takes at most, where that is known before the first one.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed} pictures, at most {task.fields[left]} to come, {task.fields[time]}"),
    )
    unknown = "pace unknown yet"
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("opening", total=most, left=most, time=unknown)
        for step in measuring:
            time = unknown if step.seconds is None else f"at most {_in_words(step.seconds)}"
            bar.update(
                task,
                description=step.stage,
                completed=step.done,
                total=step.done + step.left,
                left=step.left,
                time=time,
            )


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} s"
