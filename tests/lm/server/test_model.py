"""A model behind a server, against a stand-in on this machine whose law is known."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from searchgen.errors import RequestError, SearchgenError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.server.discretion import KEY
from searchgen.lm.server.model import Remote, open_remote
from searchgen.testing import assert_text_model
from tests.cli.runner import searchgen
from tests.cli.schema import faults, schema

SECRET = "sk-very-secret"


def log_p(sign: str) -> float:
    """The stand-in's law: every sign by itself."""
    return -(ord(sign) % 7 + 1) / 3


class StandIn(ThreadingHTTPServer):
    """A completions server whose tokens are signs; `mood` says how it fails."""

    daemon_threads = True
    mood = ""
    failures = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()

    def handle_error(self, *_: object) -> None:
        """A client that goes away, as one that waited too long does, is no error here."""

    @property
    def name(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1#signs"


class Answers(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.add(self.headers.get("Authorization"))
        mood = self.server.mood
        if mood == "slow":
            time.sleep(0.5)
        if mood in ("503", "429") and self.server.failures:
            self.server.failures -= 1
            return self.say(int(mood), {"error": "busy"}, {"Retry-After": "0"})
        if mood == "401":
            return self.say(401, {"error": f"bad key {self.headers.get('Authorization')}"})
        if mood == "redirect":
            return self.say(302, {}, {"Location": "http://127.0.0.1:9/v1/completions"})
        if mood == "page":
            return self.say(200, None)
        assert self.path == "/v1/completions"
        choices = [self.choice(i, prompt) for i, prompt in enumerate(body["prompt"])]
        if mood == "plain":
            choices = [{"index": i, "text": "?", "logprobs": None} for i in range(len(choices))]
        return self.say(200, {"choices": choices[::-1]})

    def choice(self, index: int, prompt: str) -> dict[str, Any]:
        signs = prompt + "!"  # the token that was asked for beyond the prompt
        scores = [None, *(log_p(sign) for sign in signs[1:])]
        return {
            "index": index,
            "logprobs": {"tokens": list(signs), "token_logprobs": scores, "text_offset": list(range(len(signs)))},
        }

    def say(self, code: int, value: Any, headers: dict[str, str] | None = None) -> None:
        content = b"<html>" if value is None else json.dumps(value).encode()
        self.send_response(code)
        for name, one in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, one)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server() -> Iterator[StandIn]:
    running = StandIn()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def remote(server: StandIn, end: str = "newline", prompt: str = "") -> Remote:
    model = open_remote(server.name, NeuralSettings(end=end, prompt=prompt))
    model.server.pause, model.server.patience = 0.01, 5.0
    return model


def test_scores_are_sums_over_the_texts_tokens(server: StandIn) -> None:
    texts = [f"A dog {i}." for i in range(40)] + ["A dog 3."]
    model = remote(server)
    found = model.log_probs(texts)
    assert found.tolist() == pytest.approx([sum(map(log_p, text + "\n")) for text in texts])
    assert len(server.asked) == 3  # 40 distinct texts, 16 together
    assert (model.usage.evaluations, model.usage.duplicates, model.usage.texts) == (41, 1, 40)
    model.log_probs(texts)
    assert len(server.asked) == 3  # kept
    assert remote(server, "none").log_probs(["No"])[0] == pytest.approx(log_p("N") + log_p("o"))
    assert remote(server, "none", "He said:").log_probs(["No"])[0] == pytest.approx(sum(map(log_p, " No")))
    assert model.growing().log_probs(["A d"], np.zeros(1, np.int64))[0] == pytest.approx(sum(map(log_p, "A d")))


@pytest.mark.parametrize("end", ["newline", "none"])
def test_it_keeps_every_promise_of_a_law(server: StandIn, end: str) -> None:
    assert_text_model(remote(server, end), ["A dog.", "No", "A dog ran home."])


@pytest.mark.parametrize("mood", ["503", "429"])
def test_a_busy_server_is_asked_again(server: StandIn, mood: str) -> None:
    server.mood, server.failures = mood, 2
    assert np.isfinite(remote(server).log_probs(["A dog."])[0])
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("mood", "kind", "message"),
    [
        ("503", SearchgenError, "answers 503: .*4 tries"),
        ("slow", SearchgenError, "(no whole answer within 0.1 s|timed out)"),
        ("401", RequestError, "refuses the key"),
        ("redirect", RequestError, "answers 302"),
        ("page", RequestError, "something other than JSON"),
        ("plain", RequestError, "no log-probabilities"),
    ],
)
def test_what_a_server_cannot_do_is_said(
    server: StandIn, mood: str, kind: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    server.mood, server.failures = mood, 99
    model = remote(server)
    model.server.patience = 0.1 if mood == "slow" else 5.0
    with pytest.raises(kind, match=message) as raised:
        model.log_probs(["A dog."])
    assert SECRET not in str(raised.value)
    assert server.keys == {f"Bearer {SECRET}"}


def test_a_token_across_the_prompts_end_is_refused(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Answers.choice

    def joined(self: Answers, index: int, prompt: str) -> dict[str, Any]:
        found = whole(self, index, prompt)
        tokens, scores = found["logprobs"]["tokens"], found["logprobs"]["token_logprobs"]
        found["logprobs"] = {"tokens": ["".join(tokens[:2]), *tokens[2:]], "token_logprobs": [None, *scores[2:]]}
        return found

    monkeypatch.setattr(Answers, "choice", joined)
    with pytest.raises(RequestError, match="reaches across"):
        remote(server).log_probs(["A dog."])


def test_commands_take_a_server(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)
    given = ("--lm", server.name, "--end", "newline", "--keywords", "dog", "--max-words", "4", "--seed", "3", "--json")
    rows = []
    for command in (
        ("constrain",),
        ("sample", "--option", "burn_in=4", "-n", "3"),
        ("sample", "--sampler", "smc", "-n", "4"),
    ):
        ran = searchgen(*command, *given)
        assert ran.code == 0, ran.err
        assert SECRET not in ran.out + ran.err
        rows += ran.rows
    for row in rows:
        assert row["log_prob"] == pytest.approx(sum(map(log_p, row["text"] + "\n")))
        assert all(row["satisfied"].values())
    scored = searchgen("score", "--lm", server.name, "--end", "none", stdin=b"No\n")
    assert scored.out == f"{log_p('N') + log_p('o'):.6f}\tNo\n"


@pytest.mark.parametrize(
    ("command", "asked", "found"),
    [(("constrain",), 4, 1), (("sample", "--option", "burn_in=2", "--option", "chains=8", "-n", "400"), 12, 8)],
)
def test_a_server_that_goes_away_in_the_middle_leaves_what_was_found(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], asked: int, found: int
) -> None:
    monkeypatch.setattr("searchgen.lm.server.completions.PAUSE", 0.01)
    whole = Answers.do_POST

    def answer(self: Answers) -> None:
        if len(self.server.asked) >= asked:
            self.server.mood, self.server.failures = "503", 99
        whole(self)

    monkeypatch.setattr(Answers, "do_POST", answer)
    given = ("--lm", server.name, "--end", "newline", "--keywords", "dog", "--max-words", "5", "--seed", "3", "--json")
    ran = searchgen(*command, *given)
    assert ran.code == 1
    assert len(ran.rows) >= found
    assert all(all(row["satisfied"].values()) for row in ran.rows)
    assert "answers 503" in ran.err.splitlines()[-1]
    for row in ran.rows:
        assert row["log_prob"] == pytest.approx(sum(map(log_p, row["text"] + "\n")))
        assert not faults(row, schema("record.json"))


def test_no_server_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.lm.server.completions.PAUSE", 0.01)
    ran = searchgen("score", "--lm", "http://127.0.0.1:9/v1#x", "--end", "none", stdin=b"A dog.\n")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be reached" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("http://127.0.0.1:8000/v1", {}, "name server and model"),
        ("http://me:word@127.0.0.1/v1#x", {}, "password"),
        ("http://127.0.0.1/v1#x", {"end": "eos"}, "--end eos"),
        ("http://127.0.0.1/v1#x", {"end": "none", "device": "cpu"}, "server's own"),
    ],
)
def test_names_and_settings_that_are_none(name: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        open_remote(name, NeuralSettings(**{"end": "none", **settings}))
