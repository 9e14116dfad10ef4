"""Pages as tests read them, without a browser: the elements of their HTML."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "page_of"]

#: Elements without an end.
VOID = {"meta", "link", "input", "br", "hr", "img"}


@dataclass
class Element:
    """An element, with all that it holds.

    Attributes:
        name: of the element.
        attributes: of the element.
        children: elements and texts.
    """

    name: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        """All texts in it, styles and scripts left out."""
        if self.name in ("style", "script"):
            return ""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str, **attributes: str) -> "list[Element]":
        """Return the elements of a name inside it, with these attributes; `class_` stands for `class`."""
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                fits = all(value in (child.attributes.get(key) or "").split() for key, value in wanted.items())
                found += ([child] if child.name == name and fits else []) + child.all(name, **attributes)
        return found

    def one(self, name: str, **attributes: str) -> "Element":
        """Return the only such element."""
        (found,) = self.all(name, **attributes)
        return found


class _Reader(HTMLParser):
    """Builds the elements; every one that begins must end, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> ends nothing"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def page_of(html: str) -> Element:
    """Return a page's elements; it is well formed, and nothing in it comes from elsewhere."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    (page,) = reader.open
    for element in [*page.all("script"), *page.all("img"), *page.all("link"), *page.all("a")]:
        for name in ("src", "href"):
            assert (element.attributes.get(name) or "data:,").startswith(("data:", "#")), element
    return page
