"""The model of a search without --lm: the user's default of the language, else the embedded one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from searchgen.cli.output import is_watched, note
from searchgen.request.default_models import default_models, said_once

__all__ = ["SearchModels", "noted_models", "tell_of_better", "tell_of_forms"]

#: The model that English is better written under.
BETTER = "smollm2"

#: From so many bare words on, forms make better sentences (notes/inflection.md).
MANY_WORDS = 3


@dataclass
class SearchModels:
    """Chooses the model by the words of a request; shows, once a command, that it is the user's default.

    Attributes:
        said: the models shown.
    """

    said: set[str] = field(default_factory=set)

    def __call__(self, words: str) -> str:
        """Return the model of a search that must hold these words.

        Raises:
            RequestError: the user's defaults cannot be read.
        """
        from searchgen.request.model_ref import default_model
        from searchgen.text import detect

        name = default_models().get(detect(words))
        if name is None:
            return default_model(words)
        if name not in self.said:
            self.said.add(name)
            note(f"model {name}, your default")
        return name


def noted_models() -> dict[str, str]:
    """Return the user's models by language, and show them.

    Raises:
        RequestError: they cannot be read, or one is not here.
    """
    mine = default_models()
    if mine:
        from searchgen.lm.catalogue.model import file_behind

        for name in sorted({*mine.values()}):
            file_behind(name)
            note(f"model {name}, your default")
    return mine


def tell_of_better(words: str) -> None:
    """Show a person at a terminal, once and never again, that there is a better model of English."""
    if not is_watched():
        return
    from searchgen.lm.catalogue.entries import entry_of
    from searchgen.lm.catalogue.folder import place_of
    from searchgen.text import detect

    entry = entry_of(BETTER)
    if detect(words) != "en" or "en" in default_models() or place_of(entry).exists():
        return
    if said_once(BETTER):
        note(
            f"--lm {BETTER} writes better sentences; fetch it once with searchgen lm get {BETTER} ({entry.size / 1e6:,.0f} MB)"
        )


def tell_of_forms(keywords: Sequence[Sequence[str]]) -> None:
    """Show a person at a terminal, once and never again, that bare English words may count in every form."""
    bare = [item[0] for item in keywords if len(item) == 1 and item[0].isascii() and item[0].isalpha()]
    if is_watched() and len(bare) >= MANY_WORDS and said_once("inflect"):
        note("with --inflect words count in every form (caught for catch), which makes better sentences")
