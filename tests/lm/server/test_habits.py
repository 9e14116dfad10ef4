"""A test server with each habit of real ones: the score is that of the definition, or the answer is refused."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from searchgen.errors import ModelRefusal, Outage, RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.server.discretion import KEY
from searchgen.lm.server.model import PLAIN_TEXT, Remote, open_remote
from tests.cli.runner import searchgen
from tests.lm.server.habits import REFUSED, TAKEN, Told, law, plain

TEXTS = ["The dog is in the park.", "No"]
FOREIGN = ["这张桌子上有一只猫。", "Ein Bär, 😀!"]
SECRET = "sk-SECRETKEY0123456789abcdefghij"


class Server(ThreadingHTTPServer):
    """A completions server that answers as a test says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: Callable[[str], Told] = plain
        self.reply: Any = None  # takes the handler and the prompts, and answers in its own way
        self.calls = 0

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""

    @property
    def name(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1#pieces"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        prompts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        self.server.calls += 1
        if self.server.reply is not None:
            self.server.reply(self, prompts)
        else:
            self.say({"choices": [choice(self.server.told(prompt), i) for i, prompt in enumerate(prompts)]})

    def say(self, value: Any, code: int = 200) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def choice(told: Told, index: int) -> dict[str, Any]:
    tokens, scores, offsets = told
    if tokens is not None:  # the token that was asked for beyond the prompt
        tokens, scores = [*tokens, " and"], [*scores, -0.5]
        offsets = [*offsets, offsets[-1] + 1] if offsets else offsets
    found = {"tokens": tokens, "token_logprobs": scores, "text_offset": offsets}
    return {"index": index, "logprobs": found, "finish_reason": "length"}


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def remote(server: Server, end: str = "newline", prompt: str = "") -> Remote:
    model = open_remote(server.name, NeuralSettings(end=end, prompt=prompt))
    model.server.pause, model.server.patience = 0.01, 5.0
    return model


@pytest.mark.parametrize("habit", TAKEN)
@pytest.mark.parametrize(
    ("end", "prompt"), [("newline", ""), ("none", ""), ("newline", "A long prompt: say something"), ("none", "Say:\n")]
)
def test_a_score_is_that_of_the_definition(server: Server, habit: str, end: str, prompt: str) -> None:
    server.told, foreign = TAKEN[habit]
    texts = TEXTS + (FOREIGN if foreign else [])
    expected = [law(prompt or "\n", text + ("\n" if end == "newline" else "")) for text in texts]
    assert remote(server, end, prompt).log_probs(texts).tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("habit", REFUSED)
def test_an_answer_that_is_no_score_is_refused(server: Server, habit: str) -> None:
    server.told, message = REFUSED[habit]
    with pytest.raises(ModelRefusal, match=message):
        remote(server).log_probs(TEXTS)


def test_one_text_that_cannot_be_scored_is_no_refusal_of_the_model(server: Server) -> None:
    server.told = lambda prompt: (
        TAKEN["plain"][0](prompt) if PLAIN_TEXT in prompt else REFUSED["a score above 0"][0](prompt)
    )
    with pytest.raises(RequestError, match=r"gives 2\.5") as raised:
        remote(server).log_probs(TEXTS)
    assert not isinstance(raised.value, ModelRefusal)


def same_index(handler: Handler, prompts: list[str]) -> None:
    handler.say({"choices": [choice(plain(prompt), 0) for prompt in prompts]})


def first_only(handler: Handler, prompts: list[str]) -> None:
    handler.say({"choices": [choice(plain(prompts[0]), 0)]})


REPLIES: dict[str, tuple[Any, str]] = {
    "equal indices": (same_index, "does not number its answers"),
    "the first text only": (first_only, "answers 2 texts with 1"),
    "as a chat": (
        lambda h, p: h.say({"choices": [{"index": i, "logprobs": {"content": []}} for i in (0, 1)]}),
        "no log-prob",
    ),
    "an error with status 200": (lambda h, p: h.say({"error": {"message": "no logprobs here"}}), "no logprobs here"),
    "deep JSON": (lambda h, p: h.say(b"[" * 200_000), "something other than JSON"),
    "a number": (lambda h, p: h.say(7), "without 'choices'"),
    "an integer of 5000 digits": (lambda h, p: h.say(b"9" * 5000), "something other than JSON"),
    "half a JSON": (lambda h, p: h.say(b'{"choices": ['), "something other than JSON"),
    "17 MB": (lambda h, p: h.say(b" " * 17_000_000), "more than 16,000,000 bytes"),
    "an unknown model": (
        lambda h, p: h.say({"error": "no such model"}, 404),
        "answers 404: .*check address, model name",
    ),
    "a bad request": (lambda h, p: h.say({"error": "echo is not supported"}, 400), "answers 400: .*echo is not"),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_an_answer_of_another_form_is_refused(server: Server, reply: str) -> None:
    server.reply, message = REPLIES[reply]
    with pytest.raises(ModelRefusal, match=message):
        remote(server).log_probs(TEXTS)


def raw(text: str) -> Any:
    def reply(handler: Handler, _: list[str]) -> None:
        handler.wfile.write(text.replace("KEY", handler.headers["Authorization"].removeprefix("Bearer ")).encode())
        handler.close_connection = True

    return reply


def body(text: str, code: int) -> Any:
    def reply(handler: Handler, _: list[str]) -> None:
        secret = handler.headers["Authorization"].removeprefix("Bearer ")
        handler.say(text.replace("KEY", secret).replace("PART", secret[-4:]).encode(), code)

    return reply


ECHOES = {
    "reason phrase": raw("HTTP/1.0 401 denied for KEY\r\n\r\n"),
    "reason phrase of a failure": raw("HTTP/1.0 500 denied for KEY\r\n\r\n"),
    "status line": raw("garbage KEY\r\n\r\n"),
    "header": raw("HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/?key=KEY\r\n\r\n"),
    "cut at 200": body("x" * 180 + " KEY", 404),
    "the last four": body("Incorrect key provided: sk-****PART.", 400),
    "in an answer": body('{"error": {"message": "KEY is wrong"}}', 200),
    "a wrong key": body("no", 401),
    "in the scores": body(
        '{"choices": [{"index": 0, "logprobs": {"tokens": ["KEY", "x"], "token_logprobs": [null, -1]}}]}', 200
    ),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_no_message_holds_the_key(server: Server, monkeypatch: pytest.MonkeyPatch, echo: str) -> None:
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setattr("searchgen.lm.server.completions.PAUSE", 0.01)
    server.reply = ECHOES[echo]
    ran = searchgen("score", "--lm", server.name, "--end", "newline", stdin=b"The dog ran.\n")
    assert (ran.code, ran.out) == (1 if echo in ("reason phrase of a failure", "status line") else 2, "")
    assert ran.err.count("\n") == 1
    assert not any(SECRET[i : i + 4].lower() in ran.err.lower() for i in range(len(SECRET) - 3))


@pytest.mark.parametrize("value", ["two\nlines", "schlüssel", "\x7f"])
def test_a_key_that_cannot_be_sent_is_refused_unseen(
    server: Server, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(KEY, value)
    with pytest.raises(RequestError, match=f"{KEY} holds a character that cannot be sent") as raised:
        remote(server).log_probs(TEXTS)
    assert value not in str(raised.value)
    assert server.calls == 0


@pytest.mark.parametrize("dribble", [b"", b"HTTP/1.0 200 OK\r\n\r\n "])
def test_an_answer_has_a_time_limit_however_slowly_it_comes(server: Server, dribble: bytes) -> None:
    def reply(handler: Handler, prompts: list[str]) -> None:
        handler.wfile.write(dribble)
        for _ in range(200):
            handler.wfile.write(b" " if dribble else b"H")
            handler.wfile.flush()
            time.sleep(0.05)

    server.reply = reply
    model = remote(server)
    model.server.patience, begun = 0.2, time.monotonic()
    with pytest.raises(Outage, match=r"no whole answer within 0.2 s \(4 tries\)"):
        model.log_probs(TEXTS)
    assert time.monotonic() - begun < 5


def test_two_threads_have_their_own_answers(server: Server) -> None:
    model = remote(server)
    texts = [[f"The {word} {i}." for i in range(80)] for word in ("dog", "cat", "man", "sea")]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.without_end, texts))
    expected = [[law("\n", text) for text in part] for part in texts]
    assert [part.tolist() for part in found] == [pytest.approx(part, abs=1e-9) for part in expected]


def test_a_server_that_hangs_is_not_asked_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.lm.server.completions.LONGEST_WAIT", 0.3)
    server.reply = lambda handler, prompts: time.sleep(3)
    model = remote(server)
    model.server.patience = 0.25
    with pytest.raises(Outage, match=r"\(2 tries\)"):
        model.log_probs(TEXTS)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_wait_at_once(server: Server, sent: signal.Signals, code: int) -> None:
    server.reply = lambda handler, prompts: time.sleep(30)
    line = [sys.executable, "-m", "searchgen", "score", "--lm", server.name, "--end", "newline"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"The dog ran.\n")
        process.stdin.close()
        while not server.calls:
            time.sleep(0.01)
        begun = time.monotonic()
        process.send_signal(sent)
        assert process.wait(20) == code
        assert time.monotonic() - begun < 5
        assert process.stderr is not None
        assert process.stderr.read().count(b"\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("http://[::1", "name server and model"),
        ("http://[::1#m", "name server and model"),
        ("http://[::zz]:8000/v1#m", "name server and model"),
        ("http://::1:8000/v1#m", "an IPv6 address stands in brackets"),
        ("http://fe80::1/v1#m", "an IPv6 address stands in brackets"),
        ("http://host:99999/v1#m", "the port is a whole number from 1 to 65535"),
        ("http://host:/v1#m", "the port is a whole number"),
        ("http://host:0/v1#m", "the port is a whole number"),
        ("http://host:a/v1#m", "the port is a whole number"),
        ("http://host:" + "9" * 400 + "/v1#m", "the port is a whole number"),
        ("http://a..b/v1#m", "empty or too long"),
        ("http://" + "a" * 64 + "/v1#m", "empty or too long"),
        ("http:///v1#m", "the host is missing"),
        ("http://#m", "the host is missing"),
        ("http://ex ample/v1#m", "no blanks"),
        ("http://host/v1\t#m", "no blanks"),
        ("http://host/v1", "the model is missing"),
        ("http://me:word@host/v1", "a password"),
        ("http://host/v1?api_key=word#m", "put the key into"),
    ],
)
def test_odd_addresses_have_a_clear_line(name: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        open_remote(name, NeuralSettings(end="none"))
    assert "word" not in str(raised.value).replace("password", "")
    ran = searchgen("score", "--lm", name, "--end", "none", stdin=b"A dog.\n")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "unexpected" not in ran.err


def of_key(right: str, calls: int = 10**9) -> Any:
    """Answer those that have the key, so many times."""

    def reply(handler: Handler, prompts: list[str]) -> None:
        handler.server.calls += 1
        if handler.headers["Authorization"] != f"Bearer {right}" or handler.server.calls > 2 * calls:
            handler.say(b"wrong key", 401)
        else:
            handler.say({"choices": [choice(plain(prompt), i) for i, prompt in enumerate(prompts)]})

    return reply


@pytest.mark.parametrize("share", ["1", "2"])
def test_a_wrong_key_ends_a_batch_and_resume_does_the_rest(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, share: str
) -> None:
    jobs, out, whole = tmp_path / "jobs.jsonl", tmp_path / "out", tmp_path / "whole"
    jobs.write_text("".join(f'{{"keywords": "{word}", "seed": 1}}\n' for word in ("dog", "park", "house", "water")))
    flags = ("--lm", server.name, "--end", "newline", "--budget", "0.002", "--max-words", "7", "--share", share, "-q")
    monkeypatch.setenv(KEY, "right")
    server.reply = of_key("right")
    assert searchgen("batch", str(jobs), "-o", str(whole), *flags).code == 0
    calls, server.calls = server.calls // 2, 0
    monkeypatch.setenv(KEY, "wrong")
    ran = searchgen("batch", str(jobs), "-o", str(out), *flags)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "line 1: " in ran.err
    assert "refuses the key (answers 401)" in ran.err
    assert out.read_bytes() == b""  # begun, and no row
    assert server.calls // 2 <= int(share)
    monkeypatch.setenv(KEY, "right")
    server.calls, server.reply = 0, of_key("right", 3 * calls // 4)
    ran = searchgen("batch", str(jobs), "-o", str(out), *flags, "--resume")
    assert ran.code == 2
    assert "earlier rows are kept; continue with --resume" in ran.err
    written = out.read_bytes()
    assert 0 < written.count(b"\n") < 4
    assert whole.read_bytes().startswith(written)
    server.calls, server.reply = 0, of_key("right")
    assert searchgen("batch", str(jobs), "-o", str(out), *flags, "--resume").code == 0
    assert out.read_bytes() == whole.read_bytes()


def test_a_wrong_key_ends_many_lines(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "wrong")
    server.reply = of_key("right")
    for command in (("constrain", "--keywords", "-", "--budget", "0.001"), ("score",), ("check", "--keywords", "dog")):
        ran = searchgen(*command, "--lm", server.name, "--end", "newline", stdin=b"dog\ncat\n" * 20)
        assert (ran.code, ran.out) == (2, ""), command
        assert ran.err.count("\n") == 1
