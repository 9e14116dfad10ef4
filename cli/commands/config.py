"""`searchgen config`: the settings in force and their sources."""

import os
from typing import Annotated

from searchgen.cli import options
from searchgen.cli.output import complain, write_json, write_line

__all__ = ["HELP", "SHORT", "config"]

SHORT = "Print the settings in force and their sources."

HELP = """Print the settings in force and their sources.

A setting comes from SEARCHGEN_* in the environment, else from the user's file, else it is the default. Flags and specs override it.

The file is $SEARCHGEN_CONFIG. If that is not set, it is searchgen/config.toml under $XDG_CONFIG_HOME or ~/.config. On macOS and Windows
it lies in the system's folder for settings.

Example: searchgen config
"""


def config(json: Annotated[bool, options.Json] = False) -> None:
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
        complain(f"{variable} is not a setting; did you mean {meant}?")
