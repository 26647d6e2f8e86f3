"""The program `negspace`: its commands. An error is one line on stderr, and exit code 2."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from negspace import __version__
from negspace.cli.check import check
from negspace.cli.compare import compare
from negspace.cli.curves import curves
from negspace.cli.demo import demo
from negspace.cli.imagine import imagine
from negspace.cli.judge import judge
from negspace.cli.keys import keys
from negspace.cli.models import models
from negspace.cli.options import option
from negspace.cli.plan import plan
from negspace.cli.policy import policy
from negspace.cli.prove import prove
from negspace.cli.read import read
from negspace.cli.revise import revise
from negspace.cli.rules import rules
from negspace.cli.serve import mcp, serve
from negspace.errors import NegspaceError

ERROR = 2
INTERRUPTED = 130

app = typer.Typer(
    name="negspace",
    help="Negative prompting that can be trusted: pictures without what you do not want, and a receipt.",
    epilog='Try: negspace imagine "a snowman, night" --avoid hat -n 4 --seed 7 --grid',
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (imagine, check, plan, revise, prove, compare, curves, read, models, rules, serve, mcp, demo):
    app.command()(command)
app.add_typer(policy)
app.add_typer(judge)
app.add_typer(keys)


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[bool, option("", "Print the version and leave.", "--version")] = False,
) -> None:
    if version:
        print(f"negspace {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code: 0 done, 2 an error in the input, 3 a check withheld pictures,
    130 interrupted."""
    try:
        code = app(list(arguments), prog_name="negspace", standalone_mode=False)
    except NegspaceError as error:
        return _error(str(error))
    except TyperException as error:
        return _error(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code or 0


def _error(text: str) -> int:
    """Print an error in one line."""
    print(f"negspace: {' '.join(text.split())}", file=sys.stderr)
    return ERROR
