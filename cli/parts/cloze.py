"""A text as an exercise: a gap for each demanded place, and what goes into the gaps."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchgen.record import Record

__all__ = ["GAP", "cloze_line"]

GAP = "___"


def cloze_line(record: "Record") -> str:
    """Return the text with gaps, a tab, and the items in the order in which they stand there.

    Places that overlap are one gap.
    """
    pieces, end = [], 0
    for span in record.spans:
        if span.start >= end:
            pieces += [record.text[end : span.start], GAP]
        end = max(end, span.end)
    return "".join([*pieces, record.text[end:]]) + "\t" + ", ".join(span.item for span in record.spans)
