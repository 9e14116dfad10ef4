"""A model of lower order inside a model: the same nodes, the longer ones left out."""

import numpy as np

from searchgen.errors import RequestError
from searchgen.lm.ngram.tables import NGramTables

__all__ = ["truncated"]


def truncated(tables: NGramTables, order: int) -> NGramTables:
    """Return the tables of the n-grams of at most `order` words: a proper model, cheap, and close to the whole.

    Args:
        tables: the model.
        order: of the result; the model itself if it is no shorter.

    Raises:
        RequestError: the order is less than 1.
    """
    if order < 1:
        raise RequestError(f"order {order} is impossible; it must be at least 1")
    if order >= int(tables.order[0]):
        return tables
    starts = [0, 1]
    while len(starts) < order + 2:
        starts.append(int(tables.node["first"][starts[-1]]))
    leaves, nodes = starts[-2], starts[-1]
    node = tables.node[: nodes + 1].copy()
    ends = node[leaves:]
    ends["first"] = ends["end"] = nodes
    ends["log_backoff"] = 0
    ends["total"] = 0
    # The state after a longest n-gram is that of its suffix, which is no longest one and keeps its own.
    suffix = node["suffix"][leaves:nodes].astype(np.int64)
    node["state"][leaves:nodes] = np.where(suffix < 0, 0, suffix)
    return tables._replace(
        node=node,
        word=tables.word[:nodes],
        cumulative=tables.cumulative[:nodes],
        order=np.array([order], np.int64),
    )
