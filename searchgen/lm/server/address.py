"""The address of a server and the name of its model, checked before anything is sent."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from searchgen.errors import RequestError
from searchgen.lm.server.discretion import KEY

__all__ = ["address_of", "is_remote"]

EXAMPLE = "http://127.0.0.1:8000/v1#MODEL"


def is_remote(name: str) -> bool:
    """Return whether a model's name is the address of a server.

    Example:
        >>> is_remote("http://127.0.0.1:8000/v1#my-model"), is_remote("gpt2")
        (True, False)
    """
    return name[:8].lower().startswith(("http://", "https://"))


def address_of(name: str) -> tuple[str, str]:
    """Return the address and the model that a name stands for.

    Raises:
        RequestError: it is no address, names no model, or holds a password; the message does not show one.

    Example:
        >>> address_of("http://[::1]:8000/v1/#my/model")
        ('http://[::1]:8000/v1', 'my/model')
    """
    address, _, model = name.partition("#")
    scheme, _, rest = address.partition("://")
    if "@" in rest or "?" in rest:
        raise RequestError(
            f"--lm {scheme}://...: an address with a user, a password or '?' would stand in every record; "
            f"put the key into {KEY}"
        )
    if not address.isprintable() or any(sign.isspace() for sign in address):
        raise RequestError(f"--lm {address[:80]!r}: an address has no blanks and no control characters")
    try:
        parts = urlsplit(address)
        _check_host(parts)
    except ValueError as error:
        raise RequestError(f"--lm {address[:80]}: {error}; name server and model, as in {EXAMPLE}") from None
    if not model:
        raise RequestError(f"--lm {address[:80]}: the model is missing; name server and model, as in {EXAMPLE}")
    return address.rstrip("/"), model


def _check_host(parts: SplitResult) -> None:
    """Refuse, as a ValueError with the reason, a host or a port that cannot be."""
    host = parts.hostname
    if parts.netloc.count(":") > 1 and not parts.netloc.startswith("["):
        raise ValueError("an IPv6 address stands in brackets")
    if not host:
        raise ValueError("the host is missing")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is a whole number from 1 to 65535") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the port is a whole number from 1 to 65535")
    if parts.netloc.startswith("["):
        ipaddress.ip_address(host.partition("%")[0])
        return
    labels = host.removesuffix(".").split(".")
    if not all(0 < len(label) <= 63 for label in labels) or len(host) > 253:
        raise ValueError("a part of the host's name is empty or too long")
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("the host's name cannot be") from None
