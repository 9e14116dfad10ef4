"""What the user has settled once for all commands: variables of the environment, and one file; flags and specs win.

A setting `lm` is `SEARCHGEN_LM` in the environment, else `lm = "..."` in the file `$SEARCHGEN_CONFIG`, else in
`searchgen/config.toml` under `$XDG_CONFIG_HOME`, under the system's folder for settings, or under `~/.config`.
"""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from searchgen.errors import RequestError
from searchgen.files.user_places import user_places

__all__ = ["SETTINGS", "InForce", "config_file", "in_force", "misspelt", "toml_of"]

#: Every setting and what kind of value it has.
SETTINGS: dict[str, type] = {
    "lm": str,
    "budget": float,
    "workers": int,
    "threads": int,
    "json": bool,
    "quiet": bool,
    "verbose": bool,
}

#: What each type of value is to be given as.
WANTED = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}

TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class InForce(NamedTuple):
    """A setting, its value or None, and where it comes from."""

    name: str
    value: Any
    source: str


def config_file() -> Path:
    """Return where the user's file is, or would be; a user without a home has none, which is the empty device."""
    named = os.environ.get("SEARCHGEN_CONFIG")
    if named:
        return Path(named)
    files = [place / "config.toml" for place in user_places("config")] or [Path(os.devnull)]
    return next((file for file in files if file.exists()), files[0])


def in_force() -> list[InForce]:
    """Return every setting with its value and its source.

    Raises:
        RequestError: the file cannot be read, or a value cannot be.
    """
    path = config_file()
    written = _read(path)
    return [_setting(name, written, path) for name in SETTINGS]


def misspelt() -> list[tuple[str, str]]:
    """Return each variable of the environment that is nearly a setting's, with the one it is near to."""
    pairs = []
    for variable in os.environ:
        begin, _, name = variable.partition("SEARCHGEN_")
        near = get_close_matches(name.lower(), SETTINGS, 1, 0.7) if not begin and name.lower() not in SETTINGS else []
        pairs += [(variable, f"SEARCHGEN_{setting.upper()}") for setting in near]
    return pairs


def _setting(name: str, written: dict[str, Any], path: Path) -> InForce:
    variable = f"SEARCHGEN_{name.upper()}"
    text = os.environ.get(variable)
    if text:
        return InForce(name, _parsed(variable, text, SETTINGS[name]), variable)
    if name not in written:
        return InForce(name, None, "default")
    value, kind = written[name], SETTINGS[name]
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise RequestError(f"{path}: {name} = {value!r}: give {WANTED[kind]}")
    return InForce(name, value, str(path))


def _parsed(variable: str, text: str, kind: type) -> Any:
    try:
        return TRUTH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise RequestError(f"{variable}={text[:40]!r}: give {WANTED[kind]}, or unset it") from None


def toml_of(text: str) -> dict[str, Any]:
    """Return what TOML holds; its library is imported here, for most users have no file.

    Raises:
        ValueError: it is no TOML.
    """
    import tomllib

    return tomllib.loads(text)


def _read(path: Path) -> dict[str, Any]:
    try:
        written = toml_of(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):  # a home may be no folder, as /dev/null is
        return {}
    except (OSError, ValueError) as error:  # not UTF-8 and no TOML are ValueErrors
        reason = error.strerror if isinstance(error, OSError) else error
        raise RequestError(
            f"cannot read {path}: {reason}; correct it, or name another file with SEARCHGEN_CONFIG"
        ) from None
    for name in written:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, 1)
            guess = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SETTINGS)}"
            raise RequestError(f"{path}: unknown setting {name!r}; {guess}")
    return written
