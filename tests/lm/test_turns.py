"""Threads and processes that share a model: as many texts, and the same, as one after the other."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import searchgen
from searchgen.lm.turns import Turns
from searchgen.request.request import Annealing
from tests.places import ROOT

#: A search that takes little time.
SHORT = Annealing(chains=2, steps=200)


def text(seed: int) -> str:
    return searchgen.constrain("dog,park", lm="en", annealing=SHORT, seed=seed)[0].text


def draws(seed: int) -> list[str]:
    drawn = searchgen.sample("dog", lm="en", n=4, max_words=5, options=["burn_in=5", "inner=4"], seed=seed)
    return [record.text for record in drawn.records()]


def test_two_threads_have_the_texts_of_one() -> None:
    """The searches of a thread would take scores away that those of the other are about to read."""
    expected = [text(seed) for seed in range(4)], [draws(seed) for seed in range(2)]
    with ThreadPoolExecutor(4) as pool:
        texts, drawn = pool.map(text, range(4)), pool.map(draws, range(2))
        assert (list(texts), list(drawn)) == expected


def test_a_lock_that_nobody_holds_any_more() -> None:
    """Another thread held it when the process forked: in the child it is free."""
    script = """
import os, threading
from searchgen.lm.turns import Turns
turns, held, done = Turns(), threading.Event(), threading.Event()
def hold():
    with turns.taken():
        held.set()
        done.wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    with turns.taken():
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done.set()
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.returncode) == ("7\n", 0), ran.stderr


def test_a_turn_is_given_back_after_an_error() -> None:
    turns = Turns()
    with pytest.raises(KeyError), turns.taken():
        raise KeyError
    with ThreadPoolExecutor(1) as pool:

        def take() -> bool:
            with turns.taken():
                return True

        assert pool.submit(take).result(timeout=10)


#: What a program does that forks, starts or serves processes after a search under the default model; `HOW` is put in its place.
PROGRAM = """
import asyncio, multiprocessing, sys, threading
import searchgen
from searchgen.request.request import Annealing

def text(seed):
    return searchgen.constrain("dog,park", lm="en", annealing=Annealing(chains=2, steps=200), seed=seed)[0].text

def texts(how, expected):
    with multiprocessing.get_context(how).Pool(2) as pool:
        found = pool.map_async(text, range(2)).get(timeout=120)
    assert found == expected, (how, found)

def main(how):
    expected = [text(seed) for seed in range(2)]
    texts(how, expected)
    assert [text(seed) for seed in range(2)] == expected
    if how == "fork":
        # As a notebook has it: cells run inside a loop of events, beside threads that work on.
        async def cell():
            texts(how, expected)
        asyncio.run(cell())
        busy = threading.Thread(target=lambda: [text(seed) for seed in range(6)])
        busy.start()
        texts(how, expected)
        busy.join()
    print(*expected, sep="\\n")

if __name__ == "__main__":
    main(sys.argv[1])
"""


@pytest.mark.parametrize(
    "how", ["fork", pytest.param("spawn", marks=pytest.mark.slow), pytest.param("forkserver", marks=pytest.mark.slow)]
)
def test_processes_after_a_search(how: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A child has neither the threads nor the locks of its parent, and waits for none of them."""
    program = tmp_path_factory.mktemp("processes") / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(program), how],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [text(seed) for seed in range(2)]
