"""`searchgen config`: which settings are in force, and why."""

import os
from typing import Annotated

import typer

from searchgen.cli.output import complain, write_json, write_line

__all__ = ["HELP", "SHORT", "config"]

SHORT = "Print which settings are in force, and why."

HELP = """Print which settings are in force, and why: SEARCHGEN_* in the environment, else the user's file, else the default.

The file is $SEARCHGEN_CONFIG, else searchgen/config.toml under $XDG_CONFIG_HOME or ~/.config, on macOS and Windows under the system's
folder for settings; flags and specs win over both.

Example: searchgen config
"""


def config(json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Print a line for each setting."""
    from searchgen.files.cache_folder import cache_folder
    from searchgen.request.user_settings import InForce, config_file, in_force, misspelt

    named = os.environ.get("SEARCHGEN_CACHE")
    folder = str(cache_folder())
    cache = InForce("cache", folder, "SEARCHGEN_CACHE" if folder == named else "default")
    path = config_file()
    file = InForce("file", str(path), "read" if path.exists() else "not there")
    for setting in [file, cache, *in_force()]:
        if json:
            write_json(setting._asdict())
        else:
            write_line(f"{setting.name:<10} {'-' if setting.value is None else setting.value!s:<40} {setting.source}")
    for variable, meant in misspelt():
        complain(f"{variable} is no setting; did you mean {meant}?")
