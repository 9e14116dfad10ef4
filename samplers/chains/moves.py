"""The moves, once, as compiled functions on one chain of (n-gram model x automaton x token weights).

Every move replaces the tokens at positions `start ... old_end - 1` of the current text x by a window of new tokens, which
gives y, and is a labelled involution: the label (which move, which place, how many tokens) has a reverse label of known
probability, and

    log alpha = inverse_temperature * (log density(y) - log density(x)) + log q(reverse label | y) - log q(label | x).

A proposal that the automaton, the word window or a protected token forbids is a stay, and a stay counts.

`span` draws the window from the model itself, left to right: q(new) = prod p(v_t | left, v_<t), and the old window's q is
the log p the chain already stores. Positions need no factor: x has n - l + 1 places for a window of l tokens, and y has
(n - l + l') - l' + 1, the same number. Replace, insert and delete are the spans (1, 1), (0, 1) and (1, 0). `relocate` moves
a segment elsewhere: n - s targets each way. docs/samplers.md derives all of them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import inlined, inner
from searchgen.kernels.randomness import below
from searchgen.kernels.word_count import fits
from searchgen.lm.ngram.query import draw_word, score_word
from searchgen.lm.ngram.tables import END, UNKNOWN

__all__ = ["ANY_SPAN", "MOVES", "RELOCATE", "SPAN", "Chains", "Draft", "labels", "step"]

#: Kinds of move: a span that leaves demanded words alone, a span that may touch them, a relocation.
SPAN, ANY_SPAN, RELOCATE = 0, 1, 2
MOVES = ("span", "any-span", "relocate")

PROPOSED, LEGAL, ACCEPTED = 0, 1, 2

#: An early rejection needs the bound to be below the threshold by more than rounding can explain.
ROUNDING = 1e-9


class Chains(NamedTuple):
    """The states of C chains with room for M tokens each; row c belongs to chain c alone."""

    token: npt.NDArray[np.int32]  # (C, M)
    context: npt.NDArray[np.int32]  # (C, M + 1) the model's context before each token and before the end
    state: npt.NDArray[np.int32]  # (C, M + 1) the automaton's state there
    log_p: npt.NDArray[np.float64]  # (C, M + 1) log p of each token and of the end
    length: npt.NDArray[np.int64]  # (C,) number of tokens
    words: npt.NDArray[np.int64]  # (C,) count of words and hyphens, see `kernels.word_count`
    log_density: npt.NDArray[np.float64]  # (C,) running total
    best_token: npt.NDArray[np.int32]  # (C, M) the densest text the chain has seen
    best_length: npt.NDArray[np.int64]  # (C,)
    best: npt.NDArray[np.float64]  # (C,) and its log-density
    tally: npt.NDArray[np.int64]  # (C, 3, 3) per move: proposed, legal, accepted


class Draft(NamedTuple):
    """Room for one proposal: the window's tokens, and what changes behind it."""

    token: npt.NDArray[np.int32]  # (M,)
    context: npt.NDArray[np.int32]  # (M + 1,)
    state: npt.NDArray[np.int32]  # (M + 1,)
    log_p: npt.NDArray[np.float64]  # (M + 1,)


def labels(span: int = 3, any_span: int = 1, relocate: int = 4, longest: int = 3) -> npt.NDArray[np.int64]:
    """Return the mix of moves as a table of equally likely labels.

    Args:
        span: how often each pair of window lengths occurs as a span that leaves demanded words alone.
        any_span: how often each pair occurs as a span that may touch them.
        relocate: how often each segment length 1 ... longest occurs as a relocation.
        longest: the longest window, in tokens.

    Returns:
        (W, 3) int64: move, old window length, new window length. Symmetric in the two lengths, so that they cancel.

    Example:
        >>> labels(span=1, any_span=0, relocate=0, longest=1).tolist()
        [[0, 0, 1], [0, 1, 0], [0, 1, 1]]
    """
    pairs = [(old, new) for old in range(longest + 1) for new in range(longest + 1) if old + new]
    rows = [(SPAN, *pair) for pair in pairs] * span + [(ANY_SPAN, *pair) for pair in pairs] * any_span
    rows += [(RELOCATE, size, size) for size in range(1, longest + 1)] * relocate
    return np.array(rows, dtype=np.int64)


@inlined
def _fill(problem: Any, chains: Any, c: Any, draft: Any, start: Any, end: Any, guarded: Any, rng: Any) -> Any:
    """Draw the window `start ... end - 1` from the model; return whether it is legal so far and log q(window)."""
    context = np.int64(chains.context[c, start])
    state = np.int64(chains.state[c, start])
    log_q = 0.0
    extras = len(problem.extra)
    for at in range(start, end):
        word, node = draw_word(problem.ngram, context, rng)
        if word == UNKNOWN and extras > 0:
            word = problem.extra[below(rng, extras)]
            log_q -= np.log(extras)
        token = problem.token[word]
        state = np.int64(problem.next[state, token.cls])
        if state == 0 or (guarded and token.protected):
            return False, log_q
        if node > 0:
            log_p, context = np.float64(problem.ngram.node[node].log_p), np.int64(problem.ngram.node[node].state)
        else:
            log_p, context = score_word(problem.ngram, context, np.int64(token.model))
        log_q += log_p
        draft.token[at] = word
        draft.log_p[at] = log_p
        draft.context[at + 1] = context
        draft.state[at + 1] = state
    return True, log_q


@inlined
def _permute(problem: Any, chains: Any, c: Any, draft: Any, start: Any, end: Any, size: Any, forward: Any) -> Any:
    """Write the window with its first (or last) `size` tokens moved to its other end; return whether it is legal so far."""
    width = end - start
    shift = size if forward else width - size
    state = np.int64(chains.state[c, start])
    for i in range(width):
        token = chains.token[c, start + (i + shift) % width]
        draft.token[start + i] = token
        state = np.int64(problem.next[state, problem.token[token].cls])
        if state == 0:
            return False
        draft.state[start + i + 1] = state
    return True


@inlined
def _score_window(problem: Any, chains: Any, c: Any, draft: Any, start: Any, end: Any) -> None:
    """Score the tokens of the window in their new order."""
    context = np.int64(chains.context[c, start])
    for at in range(start, end):
        log_p, context = score_word(problem.ngram, context, np.int64(problem.token[draft.token[at]].model))
        draft.log_p[at] = log_p
        draft.context[at + 1] = context


@inlined
def _read_tail(problem: Any, chains: Any, c: Any, draft: Any, start: Any, old_end: Any, new_end: Any) -> Any:
    """Run the automaton behind the window; return the end of the changed states in y, or -1 when y is not accepted."""
    state = np.int64(draft.state[new_end]) if new_end > start else np.int64(chains.state[c, start])
    draft.state[new_end] = state
    length = chains.length[c]
    at = new_end
    for old in range(old_end, length):
        if state == chains.state[c, old]:
            return at
        state = np.int64(problem.next[state, problem.token[chains.token[c, old]].cls])
        if state == 0:
            return np.int64(-1)
        at += 1
        draft.state[at] = state
    return at if state == chains.state[c, length] or problem.accept[state] else np.int64(-1)


@inlined
def _keeps_items(problem: Any, chains: Any, c: Any, draft: Any, window: Any, state_end: Any) -> Any:
    """Return whether every item that ended in the changed states of x ends in those of y, or in the others."""
    start, old_end, new_end = window
    old_state_end = state_end - new_end + old_end
    lost = np.uint64(0)
    for at in range(start + 1, old_state_end + 1):
        lost |= problem.items[chains.state[c, at]]
    for at in range(start + 1, state_end + 1):
        lost &= ~problem.items[draft.state[at]]
    if lost != 0:
        for at in range(1, start + 1):
            lost &= ~problem.items[chains.state[c, at]]
        for at in range(old_state_end + 1, chains.length[c] + 1):
            lost &= ~problem.items[chains.state[c, at]]
    return lost == 0


@inlined
def _score_tail(problem: Any, chains: Any, c: Any, draft: Any, window: Any, scale: Any, bound: Any, log_u: Any) -> Any:
    """Score again behind the window until the context is the old one.

    `bound` is log alpha without the tail. Log-probabilities are at most 0, so `bound` less the old tail bounds log alpha from
    above: a hopeless proposal stops as soon as that bound falls below `log_u`.

    Returns:
        Whether log alpha can still reach `log_u`, the change of log p in the tail, and the end of the changed part in y.
    """
    start, old_end, new_end = window
    context = np.int64(draft.context[new_end]) if new_end > start else np.int64(chains.context[c, start])
    draft.context[new_end] = context
    length = chains.length[c]
    reach = min(length + 1, old_end + problem.ngram.order[0] - 1)
    for old in range(old_end, reach):
        bound -= scale * chains.log_p[c, old]
    change = 0.0
    for old in range(old_end, reach):
        if context == chains.context[c, old]:
            break
        word = np.int64(problem.token[chains.token[c, old]].model) if old < length else np.int64(END)
        log_p, context = score_word(problem.ngram, context, word)
        bound += scale * log_p
        if bound < log_u - ROUNDING:
            return False, change, new_end
        draft.log_p[new_end] = log_p
        change += log_p - chains.log_p[c, old]
        new_end += 1
        if old < length:
            draft.context[new_end] = context
    return True, change, new_end


@inner
def _shift(row: Any, old_end: Any, new_end: Any, last: Any) -> None:
    """Move row[old_end ... last - 1] to row[new_end ...]."""
    if new_end < old_end:
        for at in range(old_end, last):
            row[at + new_end - old_end] = row[at]
    elif new_end > old_end:
        for at in range(last - 1, old_end - 1, -1):
            row[at + new_end - old_end] = row[at]


@inlined
def _commit(chains: Any, c: Any, draft: Any, window: Any, state_end: Any, score_end: Any) -> None:
    """Make the draft the chain's state."""
    start, old_end, new_end = window
    length = chains.length[c]
    context, state = chains.context[c, start], chains.state[c, start]
    _shift(chains.token[c], old_end, new_end, length)
    _shift(chains.context[c], old_end, new_end, length + 1)
    _shift(chains.state[c], old_end, new_end, length + 1)
    _shift(chains.log_p[c], old_end, new_end, length + 1)
    chains.context[c, start], chains.state[c, start] = context, state  # an empty window leaves them to the tail
    length += new_end - old_end
    chains.length[c] = length
    for at in range(start, new_end):
        chains.token[c, at] = draft.token[at]
    for at in range(start, score_end):
        chains.log_p[c, at] = draft.log_p[at]
    for at in range(start + 1, min(score_end, length) + 1):
        chains.context[c, at] = draft.context[at]
    for at in range(start + 1, state_end + 1):
        chains.state[c, at] = draft.state[at]


@inlined
def _keep_best(chains: Any, c: Any) -> None:
    """Remember the chain's text if it is the densest so far."""
    if chains.log_density[c] > chains.best[c]:
        chains.best[c] = chains.log_density[c]
        chains.best_length[c] = chains.length[c]
        for at in range(chains.length[c]):
            chains.best_token[c, at] = chains.token[c, at]


@inner
def _decide(
    problem: Any,
    chains: Any,
    c: Any,
    draft: Any,
    window: Any,
    kind: Any,
    log_q: Any,
    inverse_temperature: Any,
    rng: Any,
) -> None:
    """Finish a proposal whose window is legal: the rest of the automaton, the word window, the score, the accept rule."""
    start, old_end, new_end = window
    state_end = _read_tail(problem, chains, c, draft, start, old_end, new_end)
    if state_end < 0:
        return
    words = chains.words[c]
    change_p = 0.0
    change_weight = 0.0
    for at in range(start, old_end):
        token = problem.token[chains.token[c, at]]
        words -= token.word
        change_weight -= token.weight
        change_p -= chains.log_p[c, at]
    for at in range(start, new_end):
        token = problem.token[draft.token[at]]
        words += token.word
        change_weight += token.weight
        change_p += draft.log_p[at]
    if not fits(problem, words):
        return
    if len(problem.items) > 0 and not _keeps_items(problem, chains, c, draft, window, state_end):
        return
    chains.tally[c, kind, LEGAL] += 1
    scale = inverse_temperature * problem.beta[0]
    log_u = log_threshold(rng)
    bound = scale * change_p + inverse_temperature * change_weight + log_q
    open_still, change_tail, score_end = _score_tail(problem, chains, c, draft, window, scale, bound, log_u)
    if open_still and accepts(rng, log_u, bound + scale * change_tail):
        _commit(chains, c, draft, window, state_end, score_end)
        chains.words[c] = words
        chains.log_density[c] += problem.beta[0] * (change_p + change_tail) + change_weight
        chains.tally[c, kind, ACCEPTED] += 1
        _keep_best(chains, c)


@inlined
def _span(problem: Any, chains: Any, c: Any, draft: Any, label: Any, inverse_temperature: Any, rng: Any) -> None:
    """Propose new tokens, drawn from the model, for a window of old ones."""
    kind, old_size, new_size = label
    length = chains.length[c]
    if old_size > length or length - old_size + new_size > len(draft.token):
        return
    start = below(rng, length - old_size + 1)
    log_q_old = 0.0
    for at in range(start, start + old_size):
        token = chains.token[c, at]
        if kind == SPAN and problem.token[token].protected:
            return
        log_q_old += chains.log_p[c, at]
        if token >= len(problem.ngram.alias_p):
            log_q_old -= np.log(len(problem.extra))
    legal, log_q_new = _fill(problem, chains, c, draft, start, start + new_size, kind == SPAN, rng)
    if legal:
        window = (start, start + old_size, start + new_size)
        log_q = log_q_old - log_q_new
        _decide(problem, chains, c, draft, window, kind, log_q, inverse_temperature, rng)


@inlined
def _relocate(problem: Any, chains: Any, c: Any, draft: Any, size: Any, inverse_temperature: Any, rng: Any) -> None:
    """Propose a segment's move to another place; the segment and its target are uniform, so q cancels."""
    places = chains.length[c] - size + 1
    if places < 2:
        return
    origin = below(rng, places)
    target = below(rng, places - 1)
    forward = target >= origin
    if forward:
        target += 1
    start = min(origin, target)
    end = max(origin, target) + size
    if _permute(problem, chains, c, draft, start, end, size, forward):
        _score_window(problem, chains, c, draft, start, end)
        _decide(problem, chains, c, draft, (start, end, end), np.int64(RELOCATE), 0.0, inverse_temperature, rng)


@inner
def step(problem: Any, chains: Any, c: Any, draft: Any, table: Any, inverse_temperature: Any, rng: Any) -> None:
    """Make one step of chain c: a label of the table, its proposal, and the accept rule; a stay leaves the state as it is.

    Args:
        problem: the target (`searchgen.problem.Problem`).
        chains: the states; only row c is read and written.
        c: the chain.
        draft: room for the proposal, of this thread alone.
        table: (W, 3) int64 equally likely labels, from `labels`.
        inverse_temperature: the step leaves density ** inverse_temperature invariant.
        rng: a `Counter` or a `Script`.
    """
    row = below(rng, len(table))
    kind = table[row, 0]
    chains.tally[c, kind, PROPOSED] += 1
    if kind == RELOCATE:
        _relocate(problem, chains, c, draft, table[row, 1], inverse_temperature, rng)
    else:
        _span(problem, chains, c, draft, (kind, table[row, 1], table[row, 2]), inverse_temperature, rng)
