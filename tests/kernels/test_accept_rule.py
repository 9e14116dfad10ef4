"""One accept rule: `log u < log alpha` stands in `acceptance.py`, once for one proposal and once for several."""

import ast
import re

from tests.layout import Module, modules

RULE = "searchgen/kernels/acceptance.py"

#: The logarithm of a uniform number below something.
SPELLED = re.compile(r"(log_u(\[.*?\])?|np\.log\(u\[.*?\]\)) < ")


def comparisons(module: Module) -> list[str]:
    """Return the comparisons of a module that accept by the logarithm of a uniform number."""
    comparisons = [ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Compare)]
    return [text for text in comparisons if SPELLED.match(text)]


def test_the_rule_stands_once_for_one_and_once_for_several() -> None:
    rules = {module.path: comparisons(module) for module in modules()}
    assert rules.pop(RULE) == ["log_u < log_alpha", "log_u < log_alpha"]
    assert {path: comparisons for path, comparisons in rules.items() if comparisons} == {}


def test_a_second_rule_would_be_seen() -> None:
    """Control: the two that stood elsewhere."""
    for line in ("good = log_u[moved] < ratio", "good = np.log(u[draft.chain, 2]) < ratio"):
        assert comparisons(Module("", "", 1, ast.parse(line)))
