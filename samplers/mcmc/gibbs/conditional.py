"""The exact conditional of a block of tokens between a kept prefix and a kept suffix, over the whole vocabulary.

A word b between the left context c (its last word a) and the right words r, r2, ... is weighted by

    w(b) = (p(b | c) * p(r r2 ... | c b)) ** beta * exp(weight(b))      if the automaton and the word window accept the text.

It is computed in full for the special tokens, for the words with stored bigrams on both sides (a b, b r), and for those of a
longer stored n-gram (. a b, b r r2). For any other word one of three factorisations holds, whose sums over b are known
(`BlockTables`): a link to the left only, to the right only, or to neither. docs/methods/gibbs.md has the proof.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inner
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END
from searchgen.problem import Problem
from searchgen.samplers.mcmc.gibbs.tables import BlockTables

__all__ = [
    "AFTER",
    "BEFORE",
    "EMPTY",
    "FREE",
    "WORD",
    "Scratch",
    "Side",
    "add_entry",
    "list_words",
    "lists_of",
    "place_of",
    "read_suffix",
    "scratch_for",
    "side_of",
    "suffix_value",
]

#: What an entry of the list stands for: no word at all, one word, or all words of a group that are linked to the left only, ...
EMPTY, WORD, AFTER, BEFORE, FREE = 0, 1, 2, 3, 4

#: A remainder below this share of its list is what rounding leaves of 0.
ROUNDING = 1e-13


class Scratch(NamedTuple):
    """Scratch of one thread: the list of outcomes, and what is known of the suffix."""

    log_w: npt.NDArray[np.float64]  # (N,) log weight of each entry, but for a factor ...
    factor: npt.NDArray[np.float64]  # (N,) ... that is not a logarithm, since it is a product of numbers at hand
    cumulative: npt.NDArray[np.float64]  # (N,)
    kind: npt.NDArray[np.int8]  # (N,)
    which: npt.NDArray[np.int32]  # (N,) the word, or the group
    second: npt.NDArray[np.int8]  # (N,) 1: the word is the second of a block of two
    entries: npt.NDArray[np.int64]  # (1,) how many there are
    share: npt.NDArray[np.float64]  # (2, G, 3) per side and group: what is left of each list
    fits: npt.NDArray[np.uint8]  # (2, K) 1 where a token of the class lets the automaton accept
    suffix_word: npt.NDArray[np.int64]  # (M + 1,) model ids of the suffix, the end included
    suffix_context: npt.NDArray[np.int64]  # (M + 2,) the model's context before each, having read the suffix alone
    suffix_log_p: npt.NDArray[np.float64]  # (M + 2,) log p of the rest of the suffix from there
    suffix_length: npt.NDArray[np.int64]  # (1,)
    mark: npt.NDArray[np.int64]  # (V',) words marked with ...
    marks: npt.NDArray[np.int64]  # (1,) ... this number are of a longer n-gram


class Side(NamedTuple):
    """The left side of a block, and the lists that its first word may come from."""

    context: Any  # the model's context
    bigram: Any  # the longest suffix of the context that has two words, 0: none
    backoff: Any  # log weight of backing off from the context altogether
    above: Any  # the same, as far as the context's last word
    left: Any  # model id of its last word
    right: Any  # model id of the first word of the suffix
    last: Any  # 1: that word is the last of the text, so that the sums reach to its end
    beyond: Any  # log p of what they do not reach, without a link to the block
    pair: Any  # node of the first two words of the suffix, 0: not stored, or reached by the sums
    second: Any  # 1: the block's first word is part of the context


def scratch_for(problem: Problem, tables: BlockTables, tokens: int) -> Scratch:
    """Return room for one thread's conditionals on texts of at most so many tokens."""
    entries = 2 * (len(problem.token) + 3 * len(tables.group_class) + 1)
    return Scratch(
        log_w=np.zeros(entries),
        factor=np.zeros(entries),
        cumulative=np.zeros(entries),
        kind=np.zeros(entries, np.int8),
        which=np.zeros(entries, np.int32),
        second=np.zeros(entries, np.int8),
        entries=np.zeros(1, np.int64),
        share=np.zeros((2, max(1, len(tables.group_class)), 3)),
        fits=np.zeros((2, problem.next.shape[1]), np.uint8),
        suffix_word=np.zeros(tokens + 1, np.int64),
        suffix_context=np.zeros(tokens + 2, np.int64),
        suffix_log_p=np.zeros(tokens + 2),
        suffix_length=np.zeros(1, np.int64),
        mark=np.zeros(len(problem.token), np.int64),
        marks=np.zeros(1, np.int64),
    )


@inner
def read_suffix(problem: Any, chains: Any, c: Any, at: Any, scratch: Any) -> None:
    """Score the suffix that begins at a place, without anything to its left."""
    length = chains.length[c]
    count = length - at + 1
    context = np.int64(0)
    for i in range(count):
        word = np.int64(problem.token[chains.token[c, at + i]].model) if at + i < length else np.int64(END)
        scratch.suffix_word[i] = word
        scratch.suffix_context[i] = context
        log_p, context = score_word(problem.ngram, context, word)
        scratch.suffix_log_p[i] = log_p
    scratch.suffix_context[count] = context
    scratch.suffix_log_p[count] = 0.0
    for i in range(count - 1, -1, -1):
        scratch.suffix_log_p[i] += scratch.suffix_log_p[i + 1]
    scratch.suffix_length[0] = count


@inner
def suffix_value(problem: Any, context: Any, scratch: Any) -> Any:
    """Return natural log p(suffix | context): scored until the context is that of the suffix alone."""
    total = 0.0
    for i in range(scratch.suffix_length[0]):
        if context == scratch.suffix_context[i]:
            return total + scratch.suffix_log_p[i]
        log_p, context = score_word(problem.ngram, context, scratch.suffix_word[i])
        total += log_p
    return total


@inner
def place_of(words: Any, low: Any, high: Any, word: Any) -> Any:
    """Return the index of a word in words[low ... high - 1], -1 if it is not there."""
    end = high
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low if low < end and words[low] == word else np.int64(-1)


@inner
def side_of(problem: Any, tables: Any, context: Any, left: Any, second: Any, scratch: Any) -> Any:
    """Return the left side of a block, given the model's context and its last word."""
    words = len(problem.ngram.alias_p)
    right = scratch.suffix_word[0]
    pair = np.int64(0)
    last = np.int64(scratch.suffix_length[0] == 2)
    if scratch.suffix_length[0] > 2:
        pair = find_child(problem.ngram, 1 + right, scratch.suffix_word[1])
    bigram = np.int64(0)
    above = 0.0
    node = context
    while node > words:
        if node < tables.trigrams[0]:
            bigram = node
        above += problem.ngram.node[node].log_backoff
        node = np.int64(problem.ngram.node[node].suffix)
    backoff = above
    if node > 0:
        backoff += problem.ngram.node[node].log_backoff
    beyond = 0.0 if last == 1 else scratch.suffix_log_p[1]
    return Side(context, bigram, backoff, above, left, right, last, beyond, pair, second)


@inner
def add_entry(scratch: Any, kind: Any, which: Any, second: Any, log_w: Any, factor: Any) -> None:
    """Append an outcome to the list."""
    at = scratch.entries[0]
    scratch.kind[at] = kind
    scratch.which[at] = which
    scratch.second[at] = second
    scratch.log_w[at] = log_w
    scratch.factor[at] = factor
    scratch.entries[0] = at + 1


@inner
def _add_word(problem: Any, side: Any, word: Any, base: Any, scratch: Any) -> None:
    """Append one word with its weight, computed in full."""
    token = problem.token[word]
    log_p, context = score_word(problem.ngram, side.context, np.int64(token.model))
    log_w = problem.beta[0] * (log_p + suffix_value(problem, context, scratch)) + token.weight
    add_entry(scratch, WORD, word, side.second, base + log_w, 1.0)


@inner
def _add_both(problem: Any, tables: Any, side: Any, places: Any, base: Any, taken: Any, scratch: Any) -> Any:
    """Append a word that is linked to both sides; return what is taken from the lists so far: after, before, and in both.

    Unless a longer n-gram is stored, its weight is the product of both links, in which the word's own p and backoff stand twice.
    """
    at, before_at = places
    word = np.int64(tables.after_word[at])
    after, before, free = tables.after[at], tables.before[side.last, before_at], tables.free[word]
    if (
        free > 0.0
        and scratch.mark[word] != scratch.marks[0]
        and find_child(problem.ngram, np.int64(tables.after_node[at]), side.right) == 0
    ):
        log_w = base + problem.beta[0] * (side.above + side.beyond)
        add_entry(scratch, WORD, word, side.second, log_w, after * before / free)
    else:
        _add_word(problem, side, word, base, scratch)
    return taken[0] + after, taken[1] + before, taken[2] + free


@inner
def _add_all_both(problem: Any, tables: Any, side: Any, lists: Any, base: Any, scratch: Any) -> Any:
    """Append the words that are linked to both sides, by going through the shorter list."""
    after, after_end, before, before_end = lists
    taken = (0.0, 0.0, 0.0)
    if (after_end - after) * 8 < before_end - before:
        for i in range(after, after_end):
            at = place_of(tables.before_word, before, before_end, np.int64(tables.after_word[i]))
            if at >= 0:
                taken = _add_both(problem, tables, side, (np.int64(i), at), base, taken, scratch)
        return taken
    if (before_end - before) * 8 < after_end - after:
        for i in range(before, before_end):
            at = place_of(tables.after_word, after, after_end, np.int64(tables.before_word[i]))
            if at >= 0:
                taken = _add_both(problem, tables, side, (at, np.int64(i)), base, taken, scratch)
        return taken
    while after < after_end and before < before_end:  # lists of like lengths are merged
        word, other = np.int64(tables.after_word[after]), np.int64(tables.before_word[before])
        if word == other:
            taken = _add_both(problem, tables, side, (after, before), base, taken, scratch)
        after += word <= other
        before += other <= word
    return taken


@inner
def _mark_longer(problem: Any, tables: Any, side: Any, scratch: Any) -> None:
    """Mark the words of longer n-grams, left (. a b) or right (b r r2)."""
    scratch.marks[0] += 1
    if side.bigram > 0:
        here = problem.ngram.node[side.bigram]
        for child in range(here.first, here.end):
            scratch.mark[problem.ngram.word[child]] = scratch.marks[0]
    if side.pair > 0:
        first = side.pair - 1 - len(problem.ngram.alias_p)
        for i in range(tables.pair_first[first], tables.pair_first[first + 1]):
            scratch.mark[tables.pair_word[i]] = scratch.marks[0]


@inner
def _add_longer(problem: Any, tables: Any, side: Any, g: Any, lists: Any, base: Any, taken: Any, scratch: Any) -> Any:
    """Append the words of longer n-grams that are not linked to both sides."""
    after, after_end, before, before_end = lists
    out_after, out_before, in_both = taken
    ngram, beta = problem.ngram, problem.beta[0]
    if side.bigram > 0:
        here = ngram.node[side.bigram]
        for child in range(here.first, here.end):
            word = np.int64(ngram.word[child])
            if tables.group[word] == g and place_of(tables.before_word, before, before_end, word) < 0:
                out_after += tables.after[place_of(tables.after_word, after, after_end, word)]
                log_p, node = score_word(ngram, side.context, word)
                while node > 0:  # no link to the right: back off altogether
                    log_p += ngram.node[node].log_backoff
                    node = np.int64(ngram.node[node].suffix)
                log_w = beta * (log_p + scratch.suffix_log_p[0]) + problem.token[word].weight
                add_entry(scratch, WORD, word, side.second, base + log_w, 1.0)
    if side.pair > 0:
        first = side.pair - 1 - len(ngram.alias_p)
        for i in range(tables.pair_first[first], tables.pair_first[first + 1]):
            word = np.int64(tables.pair_word[i])
            if tables.group[word] == g and place_of(tables.after_word, after, after_end, word) < 0:
                out_before += tables.before[side.last, place_of(tables.before_word, before, before_end, word)]
                alone = ngram.node[1 + word]
                log_p = side.backoff + alone.log_p + suffix_value(problem, np.int64(alone.state), scratch)
                add_entry(scratch, WORD, word, side.second, base + beta * log_p + problem.token[word].weight, 1.0)
    return out_after, out_before, in_both


@inner
def lists_of(tables: Any, side: Any, g: Any) -> Any:
    """Return where the successors of the left word and the predecessors of the right word begin and end, in a group."""
    parts = len(tables.free_first) - 1
    after, before = side.left * parts + g, side.right * parts + g
    return (
        tables.after_first[after],
        tables.after_first[after + 1],
        tables.before_first[before],
        tables.before_first[before + 1],
    )


@inner
def _add_rest(kind: Any, g: Any, side: Any, mass: Any, whole: Any, log_factor: Any, scratch: Any) -> None:
    """Append what is left of a list."""
    scratch.share[side.second, g, kind - AFTER] = mass / whole
    if mass > ROUNDING * whole:
        add_entry(scratch, kind, g, side.second, log_factor + np.log(mass), 1.0)


@inner
def _total(sums: Any, low: Any, high: Any) -> Any:
    return sums[high - 1] if high > low else 0.0


@inner
def list_words(problem: Any, tables: Any, side: Any, counts: Any, base: Any, scratch: Any) -> None:
    """Append every outcome with one word here.

    Args:
        problem: the target.
        tables: its running sums.
        side: the left side.
        counts: whether a token that does not count as a word fits the window, whether one that does, and whether a hyphen.
        base: log weight of what stands left of the word in the block.
        scratch: the list, the suffix and what fits the automaton.
    """
    fits = scratch.fits[side.second]
    for word in tables.special:
        token = problem.token[word]
        if fits[token.cls] and counts[min(np.int64(token.word), 2)]:
            _add_word(problem, side, word, base, scratch)
    beta = problem.beta[0]
    rest = scratch.suffix_log_p
    _mark_longer(problem, tables, side, scratch)
    for g in range(len(tables.group_class)):
        if not (fits[tables.group_class[g]] and counts[tables.group_word[g]]):
            continue
        lists = lists_of(tables, side, g)
        after, after_end, before, before_end = lists
        taken = _add_all_both(problem, tables, side, lists, base, scratch)
        out_after, out_before, in_both = _add_longer(problem, tables, side, g, lists, base, taken, scratch)
        whole = _total(tables.after_sum, after, after_end)
        _add_rest(AFTER, g, side, whole - out_after, whole, base + beta * (side.above + rest[0]), scratch)
        whole = _total(tables.before_sum[side.last], before, before_end)
        _add_rest(BEFORE, g, side, whole - out_before, whole, base + beta * (side.backoff + side.beyond), scratch)
        whole = _total(tables.free_sum, tables.free_first[g], tables.free_first[g + 1])
        linked = _total(tables.after_free, after, after_end) + _total(tables.before_free, before, before_end)
        mass = whole - linked + in_both
        _add_rest(FREE, g, side, mass, whole, base + beta * (side.backoff + rest[0]), scratch)
