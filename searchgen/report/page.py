"""A page from its template: one HTML file that needs no network, with everything that is not ours escaped."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchgen.files.whole import replacing
from searchgen.plain_json import plain
from searchgen.request.request import Request
from searchgen.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["is_page", "rendered", "request_facts", "safe", "write_page"]

#: How the name of a page ends.
ENDINGS = (".html", ".htm")

#: Characters of a value of a request that are shown.
LONGEST_VALUE = 2000


def is_page(name: str | Path) -> bool:
    """Return whether a file of this name is to be a page for people.

    Example:
        >>> is_page("run.html"), is_page("run.json")
        (True, False)
    """
    return Path(name).suffix.lower() in ENDINGS


def rendered(template: str, page: Mapping[str, Any]) -> str:
    """Return a page.

    Args:
        template: name of its file.
        page: its parts; texts are escaped, unless `safe` made them.
    """
    parts = {"language": "en", "notes": (), "request": (), "signature": "", **page}
    return _templates().get_template(template).render(page=parts, version=__version__)


def safe(html: str) -> Any:
    """Return HTML of ours, which is not escaped again."""
    from markupsafe import Markup

    return Markup(html)


def write_page(path: Path, html: str) -> None:
    """Write a page; it is there whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as file:
        file.write(html.encode("utf-8", "backslashreplace"))


def request_facts(request: Request) -> list[tuple[str, str]]:
    """Return what a request says, as names and values; what it does not say is left out.

    Example:
        >>> request_facts(Request(keywords="dog,park|garden", seed=7))
        [('keywords', 'dog, park|garden'), ('seed', '7'), ('model', 'en')]
    """
    facts = {name: _in_words(value) for name, value in request.differences().items()}
    facts = {name.replace("_", " "): value for name, value in facts.items() if name not in ("seed", "lm")}
    return [*facts.items(), ("seed", str(request.seed)), ("model", request.lm)]


def _in_words(value: Any) -> str:
    value = plain(value)
    if isinstance(value, list):
        text = ", ".join("|".join(map(str, each)) if isinstance(each, list) else str(each) for each in value)
    elif isinstance(value, dict):
        text = ", ".join(f"{name} {each}" for name, each in value.items())
    else:
        text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."


@cache
def _templates() -> "Environment":
    # Imported late: nobody who asks for no page waits for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
