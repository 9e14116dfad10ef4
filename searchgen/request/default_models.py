"""The default models of the user, by language, which `lm use` settles; and which notes were shown, once and for all.

They lie next to the user's settings, in a file that only searchgen writes: `config-models.toml` next to `config.toml`.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchgen.errors import RequestError, SearchgenError
from searchgen.files.whole import write_whole
from searchgen.request.user_settings import config_file, toml_of

__all__ = ["LANGUAGES", "default_models", "said_once", "use_model"]

#: The languages that have a default, with their names.
LANGUAGES = {"en": "English", "zh": "Chinese"}

HEAD = "# Written by searchgen lm use, lm remove and constrain; change it by these commands.\n"

#: The tables of the file: models by language, and what was said.
DEFAULTS, SAID = "default", "said"


def default_models() -> dict[str, str]:
    """Return the user's models by language, as `--lm` takes them; a language without one is absent.

    Raises:
        RequestError: the file cannot be read.
    """
    return {language: name for language, name in _read()[DEFAULTS].items() if language in LANGUAGES}


def use_model(language: str, name: str | None) -> None:
    """Settle the model of a language; None: the embedded one.

    Raises:
        RequestError: the file cannot be read, or there is no place for it.
        SearchgenError: it cannot be written.
    """
    content = _read()
    models = content[DEFAULTS]
    content[DEFAULTS] = {key: value for key, value in {**models, language: name}.items() if value is not None}
    if content[DEFAULTS] != models:
        _write(content)


def said_once(remark: str) -> bool:
    """Return whether something is said now: the first time ever, and only if that can be noted."""
    try:
        content = _read()
        if remark in content[SAID]:
            return False
        content[SAID] = {**content[SAID], remark: "yes"}
        _write(content)
    except SearchgenError:
        return False
    return True


def _file() -> Path | None:
    """Return the file; None: the user's settings have no place."""
    settings = config_file()
    return None if str(settings) == os.devnull else settings.with_name(f"{settings.stem}-models.toml")


def _read() -> dict[str, Mapping[str, str]]:
    path = _file()
    written: dict[str, Any] = {}
    try:
        written = {} if path is None else toml_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # not UTF-8 and no TOML are ValueErrors
        reason = error.strerror if isinstance(error, OSError) else error
        raise RequestError(f"cannot read {path}: {reason}; delete it and run searchgen lm use again") from None
    tables = {name: written.get(name, {}) for name in (DEFAULTS, SAID)}
    for table in tables.values():
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise RequestError(f"{path}: a value is not a text; delete the file and run searchgen lm use again")
    return tables


def _write(content: Mapping[str, Mapping[str, str]]) -> None:
    path = _file()
    if path is None:
        raise RequestError("there is no folder for the user's settings; name a file with SEARCHGEN_CONFIG")
    lines = [HEAD]
    for name, table in content.items():
        rows = [f"{_text(key)} = {_text(value)}\n" for key, value in table.items()]
        lines += [f"\n[{name}]\n", *rows] if rows else []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SearchgenError(
            f"{path.parent}: cannot be made ({error.strerror}); name a file elsewhere with SEARCHGEN_CONFIG"
        ) from None
    write_whole(path, "".join(lines).encode())


def _text(value: str) -> str:
    """Return a text as TOML has it."""
    return json.dumps(value, ensure_ascii=False)
