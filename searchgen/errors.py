"""What can go wrong, each with the exit code the command line returns.

SearchgenError            1   anything else
├── RequestError          2   the request is malformed: empty list, min > max, unknown name, unreadable file
│   ├── ModelFileError    2   a model file is missing, truncated or not a model
│   ├── Contradiction     2   what is demanded is forbidden or too long; `explain` exits with 3
│   └── TooLarge          3   the request is well formed, and too large for an automaton; NothingFound, too
├── Outage                1   a server or the memory failed in the middle of the work; the same request may succeed later
│   └── ModelRefusal     2   a model cannot be used: a server refuses the key or every text, so the work ends; a RequestError, too
└── NothingFound          3   the request is well formed, and no text answers it
    ├── Impossible        3   proved: no text can satisfy the constraints
    └── NotFound          3   none was found within the budget
"""

__all__ = [
    "Contradiction",
    "Impossible",
    "ModelFileError",
    "ModelRefusal",
    "NotFound",
    "NothingFound",
    "Outage",
    "RequestError",
    "SearchgenError",
    "TooLarge",
    "not_utf8",
]


def not_utf8(error: UnicodeDecodeError | None = None) -> str:
    """Return what a message says of bytes that are no UTF-8, with the way out.

    Example:
        >>> not_utf8()
        'not UTF-8; convert it, for example with: iconv -f gbk -t utf-8'
    """
    where = f": {error.reason} at byte {error.start + 1}" if error else ""
    return f"not UTF-8{where}; convert it, for example with: iconv -f gbk -t utf-8"


class SearchgenError(Exception):
    """Base of every error searchgen raises on purpose; its text is one line that names the way out."""

    exit_code = 1


class RequestError(SearchgenError):
    """The request is malformed."""

    exit_code = 2


class ModelFileError(RequestError):
    """A model file is missing, truncated, damaged or not a model."""


class Contradiction(RequestError):
    """What the request demands is forbidden, or longer than it allows: no text satisfies it, which takes no search to prove."""


class Outage(SearchgenError):
    """A server or the memory failed in the middle of the work; results until then are kept, and the same request may succeed later."""


class ModelRefusal(Outage, RequestError):
    """A model cannot be opened, or its server refuses the key or every text: no other request can succeed, so all work ends."""


class NothingFound(SearchgenError):
    """The request is well formed, and no text answers it."""

    exit_code = 3


class TooLarge(RequestError, NothingFound):
    """The request is well formed, and its automaton would be too large."""

    exit_code = 3


class Impossible(NothingFound):
    """It is proved that no text satisfies the constraints."""


class NotFound(NothingFound):
    """No satisfying text was found within the budget; there may be one."""
