"""Terms of a target that are any Python function of the printed text.

An automaton cannot look inside such a function, so the look-ahead does not know of it: samplers that need the target's parts refuse it, and
others pay one call for each text they test.
"""

import hashlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from searchgen.errors import RequestError

__all__ = ["BlackBoxTerm", "load_black_box_term", "opaque", "pinned"]


@dataclass(frozen=True)
class BlackBoxTerm:
    """A function of the text that weighs or forbids it.

    Attributes:
        name: in outputs and errors.
        function: the text to a number (natural-log units), or to true or false for a hard term.
        weight: the number is multiplied by it.
        hard: whether texts for which the function is false have density zero.
        violations: how far a text is from what is wanted, 0 or more; None: only the function knows.
        violations_of: the same of many texts, each given as its ids; None: they are counted one by one.
    """

    name: str
    function: Callable[[str], float | bool]
    weight: float = 1.0
    hard: bool = False
    violations: Callable[[str], float] | None = None
    violations_of: Callable[[Sequence[tuple[int, ...]]], Sequence[float]] | None = None

    def log_weight(self, text: str) -> float:
        """Return what the term adds to the log-density of a text: natural log, -inf where it forbids it.

        Raises:
            RequestError: the function failed, or its value is not a number.
        """
        try:
            value = self.function(text)
        except Exception as error:
            raise RequestError(f"term {self.name} failed on {text[:60]!r}: {type(error).__name__}: {error}") from error
        if self.hard:
            return 0.0 if value else -math.inf
        number = self.weight * float(value)
        if math.isnan(number) or number == math.inf:
            raise RequestError(f"term {self.name} gave {value!r} on {text[:60]!r}; give a finite number or -inf")
        return number


def opaque(
    function: Callable[[str], float | bool], *, weight: float = 1.0, hard: bool = False, name: str | None = None
) -> BlackBoxTerm:
    """Return a term made of a function of the text.

    Args:
        function: must always give the same value for the same text.
        weight: multiplies its value; for a soft term.
        hard: the function says whether a text is allowed.
        name: in outputs; by default the function's own.

    Raises:
        RequestError: a hard term has a weight, or the weight is not finite.

    Example:
        >>> opaque(lambda text: -abs(len(text) - 40), weight=0.1).log_weight("short")
        -3.5
    """
    if not math.isfinite(weight):
        raise RequestError(f"weight {weight!r} of a term is not finite")
    if hard and weight != 1.0:
        raise RequestError("a hard term allows or forbids; drop its weight")
    return BlackBoxTerm(name or str(getattr(function, "__name__", "term")), function, weight, hard)


def pinned(written: str) -> str:
    """Return `file.py:name@hash`: the term with the hash of its file, so that a signature repeats what the file said or refuses.

    Args:
        written: file and name, as `--term` takes it; with a hash it is returned as it is.

    Raises:
        RequestError: the file is missing, or no name is given.
    """
    path, name, digest = _parts(written)
    return written if digest else f"{path}:{name}@{_hash(written, Path(path))}"


def _parts(written: str) -> tuple[str, str, str]:
    """Return file, name, and the hash or ""."""
    path, _, rest = written.rpartition(":")
    name, _, digest = rest.partition("@")
    if not path or not name:
        raise RequestError(f"--term {written!r}: write FILE.py:NAME")
    return path, name, digest


def _hash(written: str, file: Path) -> str:
    """Return 16 hexadecimal digits of the file's BLAKE2b."""
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()
    except OSError as error:
        raise RequestError(f"--term {written!r}: no file {file} ({error.strerror})") from None


def load_black_box_term(written: str) -> BlackBoxTerm:
    """Return the term that `file.py:name` names; it is a function, or a `BlackBoxTerm` made with `opaque`.

    Args:
        written: file and name, as `--term` takes it, or with the hash as `pinned` returns it. The file is run.

    Raises:
        RequestError: the file or the name is missing, the file fails, or it is not the one that the hash is of.
    """
    path, name, digest = _parts(written)
    file = Path(path)
    found_digest = _hash(written, file)
    if digest not in ("", found_digest):
        raise RequestError(
            f"--term {written!r}: {path} has changed, its hash is {found_digest} now; restore the file, or start a new run"
        )
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise RequestError(f"--term {written!r}: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RequestError(f"--term {written!r}: {path} failed: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if isinstance(found, BlackBoxTerm):
        return replace(found, name=name) if found.name == "<lambda>" else found
    if not callable(found):
        raise RequestError(f"--term {written!r}: {path} has no function {name}")
    return opaque(found, name=name)
