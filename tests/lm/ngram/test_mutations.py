"""Model files changed at random: each is opened or refused in one line, at once and in little memory."""

import json
import os
import subprocess
import sys

import pytest

from tests.lm.ngram.mutated_models import KINDS
from tests.places import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="measures of POSIX")


def tried(kind: str, number: int, seed: int) -> dict[str, object]:
    command = [sys.executable, "-W", "error", "-m", "tests.lm.ngram.mutated_models", kind, str(number), str(seed)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    outcome: dict[str, object] = json.loads(ran.stdout)
    assert outcome["faults"] == {}
    assert isinstance(outcome["megabytes"], int)
    assert outcome["megabytes"] < 1024
    return outcome


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_of_each_kind(kind: str) -> None:
    outcome = tried(kind, 40 if kind != "damaged.lm.gz" else 15, seed=1)
    assert outcome["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_thousand_of_each_kind(kind: str) -> None:
    outcome = tried(kind, 3000, seed=2)
    assert ("opened" in outcome) == (kind != "damaged.sgm")  # every changed byte of which is noticed
