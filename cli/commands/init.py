"""`searchgen init`: a commented example of a spec."""

from searchgen.cli.output import write_line

__all__ = ["HELP", "SHORT", "init"]

SHORT = "Print a commented example of a spec."

HELP = """Print a commented example of a spec, a target written in TOML.

Example: searchgen init > target.toml
"""


def init() -> None:
    """Print it."""
    from searchgen.request.from_toml import EXAMPLE

    write_line(EXAMPLE.rstrip("\n"))
