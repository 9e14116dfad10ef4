"""What every search begins with: the target under the n-gram model, and its guide."""

from dataclasses import replace

from searchgen.errors import Impossible
from searchgen.guide import Budget, Guide
from searchgen.request.request import Request
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["look_ahead"]

#: Start states need no sharper look-ahead: a third of the guide's usual work loses nothing after annealing (measured).
QUICK = Budget(work=1.5e8, words=500)


def look_ahead(source: Source, request: Request, order: int = 2) -> tuple[Target, Guide]:
    """Return the proposing target and its guide; a finite verb is not required where it makes the rest impossible.

    Args:
        source: the model.
        request: the job.
        order: of the guide.

    Raises:
        RequestError: the request contradicts itself.
        Impossible: no text satisfies it.
    """
    try:
        target = source.proposal(request)
        return target, Guide.build(
            target.problem,
            order=order,
            max_tokens=target.max_tokens,
            bigrams=target.bigrams,
            budget=QUICK,
            threads=source.threads,
        )
    except Impossible:
        if not request.finite_verb:
            raise
    target, guide = look_ahead(source, request.but(finite_verb=False), order)
    return replace(
        target,
        notes=(*target.notes, "no text with a finite verb satisfies the other constraints; these texts may lack one"),
    ), guide
