"""The server's key: where it comes from, and that it appears in no message, whole or in part."""

import base64
import os
from urllib.parse import quote

from searchgen.errors import RequestError

__all__ = ["KEY", "key", "shown"]

#: The environment variable with the server's key; it is sent to the server and shown nowhere.
KEY = "SEARCHGEN_API_KEY"

#: So many characters of a key in a row are a part of it that must not be shown.
PART = 4

#: Characters of a server's message that are shown.
LONGEST = 200


def key() -> str:
    """Return the key, "" without one.

    Raises:
        RequestError: it holds what cannot be sent.
    """
    value = os.environ.get(KEY, "").strip()
    if not value.isascii() or not value.isprintable():
        raise RequestError(f"{KEY} holds a character that cannot be sent; set it to the key alone, in one line")
    return value


def shown(message: str) -> str:
    """Return a message of others as it may be shown: in one line, short, and "" if any part of the key is in it.

    Args:
        message: whole; cut before, it could hold a part of the key that is not recognised.
    """
    line = " ".join(message.split())
    squeezed = "".join(line.split()).casefold()
    secret = os.environ.get(KEY, "").strip()
    forms = {
        secret,
        quote(secret, safe="", errors="surrogateescape"),
        base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode(),
    }
    for form in {"".join(form.split()).casefold() for form in forms if form}:
        size = min(PART, len(form))
        if any(form[i : i + size] in squeezed for i in range(len(form) - size + 1)):
            return ""
    return line[:LONGEST]
