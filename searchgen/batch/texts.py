"""No text twice in an output: rows give up the texts that rows before them have."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from searchgen.batch.rows import encode, unanswered
from searchgen.batch.seen import Seen
from searchgen.errors import NotFound

__all__ = ["Texts"]


class Texts:
    """The texts of the rows so far, each with the line of its job; they are kept in a temporary file."""

    def __init__(self) -> None:
        """Begin with no rows."""
        self._seen = Seen()

    def keep(self, row: bytes, line: int) -> None:
        """Remember the texts of a row as it stands.

        Args:
            row: one line of JSON.
            line: of its job.
        """
        for record in json.loads(row)["results"]:
            self._seen.line_of(record["text"], line)

    def choose(self, row: bytes, others: Sequence[Mapping[str, Any]], line: int) -> bytes | None:
        r"""Return a row without the texts of rows before it, and remember those that are left.

        Args:
            row: one line of JSON.
            others: further results of its job, best first, that may take the place of texts that are gone.
            line: of its job.

        Returns:
            The same bytes if no text has occurred before; None if no new text is left.

        Example:
            >>> row = encode({"status": "ok", "results": [{"text": "A dog."}], "diagnostics": {"notes": []}})
            >>> texts = Texts()
            >>> texts.choose(row, [], 1) == row, texts.choose(row, [], 2)
            (True, None)
            >>> texts.choose(row, [{"text": "A cat."}], 3)
            b'{"status": "ok", "results": [{"text": "A cat."}], "diagnostics": {"notes": ["1 text is that of line 1"]}}\n'
        """
        values = json.loads(row)
        wanted = len(values["results"])
        chosen: list[Mapping[str, Any]] = []
        before: list[int] = []
        for record in (*values["results"], *others):
            if len(chosen) < wanted:
                earlier = self._seen.line_of(record["text"], line)
                if earlier is None:
                    chosen.append(record)
                else:
                    before.append(earlier)
        if not before:
            return row
        if not chosen:
            return None
        values["results"] = chosen
        values["diagnostics"].setdefault("notes", []).append(_said(before))
        return encode(values)

    def without(self, row: bytes) -> bytes:
        """Return what becomes of a row that no new text is left for; its job has no answer then."""
        values = json.loads(row)
        line = self._seen.line_of(values["results"][0]["text"], 0)
        error = NotFound(
            f"every text found stands in another row, the first in that of line {line}; "
            "widen the window, or do the job again with another seed"
        )
        return encode(unanswered(values["id"], error, values["signature"]), values.get("columns"))


def _said(before: Sequence[int]) -> str:
    """Return the note on texts that rows before have."""
    many = f"{len(before)} texts are those of lines" if len(before) > 1 else "1 text is that of line"
    return f"{many} {', '.join(map(str, before[:8]))}{', ...' if len(before) > 8 else ''}"
