"""Signatures: one line that says what a result depends on, with the version, the platform and the model that repeat it."""

import json
import platform
from collections.abc import Mapping
from typing import Any

from searchgen.errors import RequestError
from searchgen.version import __version__

__all__ = ["UNNAMED", "platform_tag", "signed", "signed_values"]

#: The model of a request that names none.
UNNAMED = "en"


def signed(values: Mapping[str, Any], model_hash: str) -> str:
    """Return the signature of plain values under a model.

    Args:
        values: what a result depends on; a folder of vectors gets the hash of its files.
        model_hash: of its model.
    """
    if values.get("vectors"):
        from searchgen.meaning.measures import pinned  # compiled loops, which most requests do without

        values = {**values, "vectors": pinned(values["vectors"])}
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("'", "\\u0027")
    return f"searchgen:{__version__}:{platform_tag()}:{model_hash}:{body}"


def signed_values(signature: str) -> tuple[dict[str, Any], str]:
    """Return the values of a signature, and the hash of the model that it names.

    Raises:
        RequestError: the line is no signature, or comes from another version or platform.
    """
    parts = signature.strip().split(":", 4)
    if len(parts) != 5 or parts[0] != "searchgen":
        raise RequestError(f"not a signature: {signature[:60]!r}; copy the whole 'signature' field of a JSON result")
    _, version, platform_name, model_hash, body = parts
    if version != __version__:
        raise RequestError(
            f"the signature was made by searchgen {version} with {_named_model(body)}@{model_hash[:12]}; "
            f"repeat it with that release on {platform_name}, because this is {__version__}"
        )
    if platform_name != platform_tag():
        raise RequestError(
            f"the signature was made on {platform_name}, this is {platform_tag()}; texts repeat bit for bit on one platform only"
        )
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError, too
        raise RequestError(
            "the signature is damaged: a part of it is missing or was changed; copy the whole line again"
        ) from None
    if not isinstance(values, dict):
        raise RequestError("the signature is damaged: it holds no request; copy it again")
    return values, model_hash


def _named_model(body: str) -> str:
    """Return the model that the body of a signature names, whatever else is wrong with it."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return "a model"
    return str(values.get("lm", UNNAMED)) if isinstance(values, dict) else "a model"


def platform_tag() -> str:
    """Return the tag of the machine kind on which a signature repeats bit for bit.

    Example:
        >>> platform_tag().count("-")
        1
    """
    return f"{platform.system().lower()}-{platform.machine().lower()}"
