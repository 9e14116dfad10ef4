"""`searchgen lm use`: the default model of a language."""

from typing import Annotated

import typer

from searchgen.cli.output import complain
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "use"]

SHORT = "Make a model the default of its language."

HELP = """Make a model the default of its language, for constrain and for jobs of batch that search. 'en' and 'zh' restore the
embedded models.

sample, score, check, compare and explain keep the embedded n-gram models. --lm en is always the embedded model. A model named by --lm, a
spec, a job or the setting `lm` overrides a default.

Example: searchgen lm use en
"""

Language = typer.Option(
    "--language", metavar="LANGUAGE", help="en or zh; by default the first that the catalogue names."
)


def use(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model as --lm takes it: smollm2, ollama:NAME, FILE.gguf.")
    ],
    language: Annotated[str | None, Language] = None,
) -> None:
    """Settle it, once it is known to be here."""
    from searchgen.lm.catalogue.entries import entries
    from searchgen.lm.catalogue.model import file_behind
    from searchgen.request.default_models import LANGUAGES, use_model

    if language is not None and language not in LANGUAGES:
        raise RequestError(f"--language {language!r}: give {' or '.join(LANGUAGES)}")
    if name in LANGUAGES:
        if language not in (None, name):
            raise RequestError(f"{name} writes {LANGUAGES[name]} only; drop --language {language}")
        use_model(name, None)
        complain(f"{name} is the default of {LANGUAGES[name]}")
        return
    path = file_behind(name)
    entry = entries().get(name)
    if language is None and entry is None:
        raise RequestError(f"{name}: searchgen does not know which language it writes; give --language en or zh")
    if entry is not None and language is not None and language not in entry.languages:
        raise RequestError(f"{name} does not write {LANGUAGES[language]}; drop --language {language}")
    chosen = language or (entry.languages[0] if entry is not None else "")
    kept = name if entry is not None or name.startswith("ollama:") else str(path.resolve())
    use_model(chosen, kept)
    complain(f"{kept} is the default of {LANGUAGES[chosen]}; searchgen lm use {chosen} resets it{_overruled()}")


def _overruled() -> str:
    """Return a warning if a setting of the user wins over every default."""
    from searchgen.request.user_settings import in_force

    setting = next(one for one in in_force() if one.name == "lm")
    return "" if setting.value is None else f"; lm = {setting.value!r} of {setting.source} overrides it"
