"""`searchgen completion`: the script that completes commands and flags."""

from typing import Annotated

import typer

from searchgen.cli.output import write_line
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "VARIABLE", "completion"]

SHORT = "Print the script that completes commands and flags."

HELP = """Print the script that completes commands and flags in bash, zsh or fish.

Example: searchgen completion bash >> ~/.bashrc
"""

#: Set by the script when the shell asks for completions.
VARIABLE = "_SEARCHGEN_COMPLETE"

SHELLS = ("bash", "zsh", "fish")


def completion(shell: Annotated[str, typer.Argument(metavar="SHELL", help="Shell: bash, zsh or fish.")]) -> None:
    """Print the script."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in SHELLS:
        raise RequestError(f"shell {shell!r} is unknown; give bash, zsh or fish")
    write_line(get_completion_script(prog_name="searchgen", complete_var=VARIABLE, shell=shell))
