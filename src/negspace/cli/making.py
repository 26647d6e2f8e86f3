"""Making pictures with a progress bar on stderr."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from negspace.avoid.escalation import Limits
from negspace.cli.show import err
from negspace.generate import Model, Result
from negspace.judge import Judge
from negspace.models.place import Source, find
from negspace.request import Request


def open_model(source: Source, judge: Judge | None = None, limits: Limits | None = None) -> Model:
    """The model, with a word on stderr while it is read.

    Args:
        source: what is to be opened.
        judge: looks at the pictures; None is the model's own.
        limits: how often a picture is made again.

    Raises:
        ModelError: it cannot be opened.
    """
    said = f"opening {source.place}"
    if find(source).hub:  # its client shows how far it is, which a moving line would spoil
        err.print(said)
        return Model(source, None, None, None, judge, limits)
    with err.status(said):
        return Model(source, None, None, None, judge, limits)


def make(model: Model, request: Request) -> Result:
    """The pictures of a request.

    Raises:
        NegspaceError: the request is impossible for this model.
    """
    run = model.run(request)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(request.prompt[:40], total=run.total)
        for done in run:
            progress.update(task, completed=done, total=run.total)  # a check may ask for more
    return run.result()
