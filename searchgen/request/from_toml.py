"""A target written down once: a TOML file whose tables are the parts of a request."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from json import dumps
from pathlib import Path
from typing import Any

from searchgen.black_box_terms import pinned
from searchgen.demands.demands import demand_flags, with_needed
from searchgen.errors import RequestError, not_utf8
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.request.from_values import Defaults, request_of
from searchgen.request.request import Annealing, Request, Terms
from searchgen.request.slip_costs import Costs

__all__ = ["EXAMPLE", "Spec", "read_spec"]

EXAMPLE = """\
# A target of searchgen. Check it with: searchgen spec validate target.toml
# Every key may be left out. Flags override the values of this file.

# lm = "en"                    # a model; by default the one of the words' language
seed = 7                       # makes results repeatable

[constraints]
# An inner list holds alternatives. "dog,park|garden" means the same.
keywords = ["dog", ["park", "garden"]]
ordered = false                # true: they must occur in this order
overlap = false                # true: they may share words, as new york and york
# inside_words = true          # Chinese: they may be parts of other words, as 火车 in 火车站
inflect = false                # true: words count in every form (English)
# forms_of = ["dog"]           # only these words do
# inflections = [["dog", "hound"]]  # forms of your own
forbid = ["very"]              # words and phrases that must not occur
# only_words = ["the", "dog"]  # only these words may occur
# with_prefix = ["un"]         # some word begins with these letters
# with_suffix = ["ness"]       # some word ends with them
# with_stem = ["nation"]       # some word holds them
repeats = true                 # false: no content word occurs twice
# starts_with = "The"
# ends_with = "again"
# where = "holds(cat) or words(5..7)"
# prefer = ["2: not holds(the)"]  # each violation costs so many nats
# template = "The ___ {verb} in the ___{1..2}."
# slot = ["verb=runs,sleeps"]
# regex = "The .*"
# at = ["2=dog"]
# characters = "30..60"        # of the printed text
# word_length = "1..6"
# sentences = "1..2"           # each with its final mark
# source = "The dog sleeps near the old door."
# max_edits = 2
# protect = ["old door"]
# closeness = 2.0              # what an edit costs, in nats
# similar_to = "The dog sleeps near the old door."
# min_similarity = 0.5         # 1: the same words; about 0: others
# vectors = "models/MiniLM"    # a folder: what measures similarity, in the place of the word vectors
# max_overlap = 0.6            # the share of words in common
# similarity_weight = 30.0     # what a similarity of 1 is worth, in nats
# overlap_weight = 10.0        # what an overlap of 1 costs, in nats
# without_letters = "z"
# only_letters = "abc"
# univocalic = "a"
# acrostic_words = "moon"
# last_letters = "set"
# alliteration = "any"
# lines = 4
# words_per_line = "3..8"
# chars_per_line = "20..40"
# line_words = ["2=sea"]       # words in single lines
# acrostic = "moon"            # the first letters of the lines
sentence = true                # one sentence
finite_verb = true             # with a finite verb, if the rest allows one
quotes = false                 # true: quotation marks and brackets are allowed

[lengths]
min_words = 6                  # characters in Chinese
max_words = 14

[terms]                        # log weights in nats
proper_noun = -3.0             # for each capitalised word inside the sentence
comma = -1.2                   # for each comma, semicolon, colon or dash
unigram = 0.0                  # times -log p of each word: favours rare words
# word = 2.0                   # for each word; the default depends on language

[sampler]
name = "anneal"                # a search; see: searchgen list samplers
# options = ["thin=8"]         # options of the sampler
# beta = 1.0                   # power of the model's probability

[schedule]                     # of the search
# budget = 0.6                 # seconds per set, in place of the keys below
chains = 24
steps = 5000
hot = 1.5
cold = 0.15

[fix]                          # of searchgen fix: what an edit must gain, in nats
weight = 1.0                   # the costs are multiplied by it
# form = 5.0                   # another form of a word
# letters = 5.5                # a word one slip of the keys away
# sound = 2.0                  # a or an; a Chinese character of a like sound
# function = 7.5               # another article, preposition or particle
# insert = 2.0                 # such a word more
# delete = 6.0                 # such a word less
# order = 3.5                  # words in another order
# expected = 14.0              # any other word

[neural]                       # for transformers only
end = "eos"                    # the end of a text: eos, newline or none
prompt = ""                    # text read before the result; it is not printed
examples = ""                  # lines whose style it follows: default, none, FILE or FILE:N
device = "auto"                # or cpu, cuda, cuda:N
dtype = "auto"                 # or float32, bfloat16, float16

[output]
count = 3                      # texts, all different from each other
json = false
"""

#: The tables of a spec: their keys, each with the field it stands for.
TABLES: dict[str, dict[str, str]] = {
    "": {"lm": "lm", "seed": "seed", "class_weight": "class_weight", "association_weight": "association_weight"},
    **{
        table: {flag.key: flag.key for flag in demand_flags().values() if flag.table == table}
        for table in ("constraints", "lengths")
    },
    "terms": {f.name: f"terms.{f.name}" for f in fields(Terms)} | {"opaque": "opaque"},
    "sampler": {"name": "sampler", "options": "options", "beta": "beta"},
    "schedule": {f.name: f"annealing.{f.name}" for f in fields(Annealing)} | {"budget": "budget"},
    "fix": {"weight": "weight"} | {f.name: f"costs.{f.name}" for f in fields(Costs)},
    "neural": {f.name: f"neural.{f.name}" for f in fields(NeuralSettings)},
    "output": {"count": "count", "json": "json"},
}


@dataclass(frozen=True)
class Spec:
    """What a file asks for.

    Attributes:
        path: of the file.
        values: fields of a request, as a job gives them.
        json: whether results are JSON; None: not said.
    """

    path: str
    values: Mapping[str, Any]
    json: bool | None = None

    def beside(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the spec and those that flags gave, which win, one by one within `neural`."""
        neural = {**self.values.get("neural", {}), **given.get("neural", {})}
        return {**self.values, **given, **({"neural": neural} if neural else {})}

    def request(self, given: Mapping[str, Any], seed: int) -> Request:
        """Return the request of the spec and of what flags gave, which wins.

        Args:
            given: fields as a job gives them.
            seed: if neither names one.

        Raises:
            RequestError: a value is impossible; it names the file.
        """
        try:
            return request_of({}, 1, Defaults({"seed": seed, **self.beside(given)}))
        except RequestError as error:
            raise RequestError(f"{self.path}: {error}") from None


def read_spec(path: str) -> Spec:
    """Return a spec, every key and value checked.

    Raises:
        RequestError: the file cannot be read, is no TOML, or has a key or a value that cannot be.
    """
    document = _document(path)
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name in TABLES[""]:
            values[name] = value
        elif name in TABLES and isinstance(value, dict):
            for key, inner in value.items():
                _put(values, _field(path, name, key), inner)
        elif name in TABLES:
            raise RequestError(f"{path}: {name} is a table; write [{name}]")
        else:
            raise RequestError(f"{path}: unknown key {name!r}{_nearest(name, [*TABLES['']], name)}")
    json = values.pop("json", None)
    if json is not None and not isinstance(json, bool):
        raise RequestError(f"{path}: output.json = {json!r}: give true or false")
    if values.get("budget") is not None and values.get("annealing"):
        raise RequestError(f"{path}: schedule.budget stands for the schedule; drop it, or the other keys")
    try:
        values = with_needed(values)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None
    return _checked(Spec(path, values, json))


def _document(path: str) -> dict[str, Any]:
    """Return what a TOML file holds, numbers, texts, truth values, lists and tables only."""
    try:
        document = tomllib.loads(Path(path).read_bytes().decode("utf-8-sig"))
        dumps(document)
        return document
    except OSError as error:
        raise RequestError(f"cannot read the spec {path}: {error.strerror}; searchgen init prints an example") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: {not_utf8(error)}") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise RequestError(f"{path}: not TOML: {error}") from None
    except TypeError:
        raise RequestError(
            f"{path}: a value is a date or a time, which a spec cannot hold; write text between quotation marks"
        ) from None


def _checked(spec: Spec) -> Spec:
    """Return the spec, its terms with the hashes of their files, or refuse it."""
    term_names = spec.request({}, 0).opaque
    if not term_names:
        return spec
    return replace(spec, values={**spec.values, "opaque": [pinned(name) for name in term_names]})


def _field(path: str, table: str, key: str) -> str:
    if key in TABLES[table]:
        return TABLES[table][key]
    raise RequestError(f"{path}: unknown key '{table}.{key}'{_nearest(key, [*TABLES[table]], table)}")


def _nearest(key: str, table_keys: list[str], table: str) -> str:
    """Return the way out: the key of this table that is most like it, or where it belongs, or all there are."""
    home = next((name for name, keys in TABLES.items() if key in keys and name != table), None)
    if home is not None:
        return f"; it belongs under [{home}]" if home else "; it belongs at the top, before any table"
    names = [*table_keys, *(name for name in TABLES if name)] if table_keys == [*TABLES[""]] else table_keys
    near = get_close_matches(key, names, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"


def _put(values: dict[str, Any], field: str, value: Any) -> None:
    outer, dot, inner = field.partition(".")
    if dot:
        values.setdefault(outer, {})[inner] = value
    else:
        values[outer] = value
