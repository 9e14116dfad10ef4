"""N-gram models by name: `load("en-ngram")` opens one that comes with searchgen, `load("my.arpa")` a file."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.embedded import EMBEDDED, NGRAMS, data_file, ngram_name
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.open_file import open_model

__all__ = ["load"]

#: Embedded models that are in use: a mixture and the searcher that proposes to it share one, which halves the memory.
_in_use: WeakValueDictionary[str, NGram] = WeakValueDictionary()
_loading = Lock()


def load(name_or_path: str | Path, notify: Callable[[str], None] | None = None) -> NGram:
    """Open an n-gram model.

    Args:
        name_or_path: the name of an embedded model (`en` for its part), or a file: searchgen's own format or ARPA (also `.gz`).
        notify: receives a line that the user should read (the cache cannot be written).

    Raises:
        RequestError: no model has this name.
        ModelFileError: the file is missing, cut off, damaged or not a model.

    Example:
        >>> load("eng")
        Traceback (most recent call last):
        searchgen.errors.RequestError: unknown model 'eng'; did you mean 'en'? (embedded: en, zh, en-ngram, zh-ngram; or name a file)
    """
    name = ngram_name(str(name_or_path))
    if name in NGRAMS:
        with _loading:
            model = _in_use.get(name)
            if model is None:
                _in_use[name] = model = open_model(data_file(name), name=name, notify=notify)
            return model
    path = Path(name_or_path)
    try:
        is_folder, is_there, is_transformer = path.is_dir(), path.exists(), (path / "config.json").is_file()
    except OSError as error:
        raise RequestError(f"model {name[:60]!r}: {error.strerror}; check the name") from None
    if is_folder:
        if is_transformer:
            raise RequestError(f"{path} is a transformer; name an n-gram model here")
        raise ModelFileError(
            f"{path} is a folder without a config.json; name a model file, or the folder of a transformer"
        )
    if is_there:
        return open_model(path, notify=notify)
    if isinstance(name_or_path, Path) or path.name != name or path.suffix:
        raise ModelFileError(f"there is no model file {path}; check the name")
    close = get_close_matches(name.lower(), EMBEDDED, n=1, cutoff=0.4)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    raise RequestError(f"unknown model {name!r}{guess} (embedded: {', '.join(EMBEDDED)}; or name a file)")
