"""The words of English grammar: articles, pronouns, prepositions, conjunctions, auxiliaries and adverbs without content."""

from functools import cache

__all__ = ["words_of_grammar"]

WORDS = """a about above across after again against ain't all along also although always am among an and another any anybody
anyone anything are aren't around as at away back be because been before behind being below beneath beside besides
between beyond both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down during
each either else ever every everybody everyone everything except few for from had hadn't has hasn't have haven't
having he he'd he'll he's her here hers herself him himself his how however i i'd i'll i'm i've if in inside into is
isn't it it'd it'll it's its itself just let let's like many may me might mightn't mine more most much must mustn't my
myself near neither never no nobody none nor not nothing now of off on once one only onto or other others ought our
ours ourselves out outside over own past per perhaps quite rather same shall shan't she she'd she'll she's should
shouldn't since so some somebody someone something still such than that that's the their theirs them themselves then
there there's these they they'd they'll they're they've this those though through throughout till to too toward
towards under underneath unless until up upon us very was wasn't we we'd we'll we're we've were weren't what what's
whatever when where whether which while who who'd who'll who's whom whose why will with within without won't would
wouldn't yet you you'd you'll you're you've your yours yourself yourselves"""


@cache
def words_of_grammar() -> frozenset[str]:
    """The words, in small letters; all others are content words.

    >>> "the" in words_of_grammar(), "dog" in words_of_grammar()
    (True, False)
    """
    return frozenset(WORDS.split())
