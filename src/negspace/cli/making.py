"""Making pictures with a progress bar on stderr."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from negspace.cli.show import err
from negspace.generate import Model, Result, load
from negspace.request import Request


def open_model(name: str) -> Model:
    """The model, with a word on stderr while it is read.

    Raises:
        ModelError: it cannot be opened.
    """
    with err.status(f"opening {name}"):
        return load(name)


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
            progress.update(task, completed=done)
    return run.result()
