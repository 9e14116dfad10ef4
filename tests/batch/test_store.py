"""Output and journal: cut or spoilt anywhere, they go on to the same bytes; what is of another run is refused."""

import os
from pathlib import Path

import pytest

from searchgen.batch.jobs import Job
from searchgen.batch.journal import LONGEST, Header, hash_of
from searchgen.batch.rows import encode, failed
from searchgen.batch.store import Store
from searchgen.errors import RequestError

HEADER = Header(seed=0, defaults={}, format="jsonl", version="1", platform="p")
COUNT = 8


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.batch.store.make_durable", lambda _descriptor: None)  # thousands of them


def job(number: int) -> Job:
    return Job(number, hash_of(str(number).encode()), {})


def row(number: int) -> bytes:
    return encode(failed(None, number, "é" * (number % 5)))


WHOLE = b"".join(row(number) for number in range(1, COUNT + 1))


def opened(folder: Path, mode: str = "resume", header: Header = HEADER, interval: float = 0.0) -> Store:
    return Store.open(folder / "out", folder / "journal", header, mode, interval)


def go_on(folder: Path, upto: int = COUNT, mode: str = "resume", interval: float = 0.0) -> int:
    """Write the rows that are missing and return how many were kept; as a killed process, without the last sync."""
    store = opened(folder, mode, interval=interval)
    try:
        kept = store.kept.rows
        assert list(store.fingerprints()) == [(job(n).line, job(n).fingerprint) for n in range(1, kept + 1)]
        for number in range(kept + 1, upto + 1):
            store.append(job(number), row(number), "error", 0.0, ("en", "ab"))
    finally:
        os.close(store.output)
        os.close(store.journal)
    return kept


def whole_rows(data: bytes) -> int:
    return data.count(b"\n")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("written")
    assert go_on(folder, mode="new", interval=1e9) == 0
    return (folder / "out").read_bytes(), (folder / "journal").read_bytes()


def test_an_unbroken_run_writes_the_rows(written: tuple[bytes, bytes]) -> None:
    assert written[0] == WHOLE


def test_the_output_cut_at_any_byte(tmp_path: Path, written: tuple[bytes, bytes]) -> None:
    for length in range(len(WHOLE) + 1):
        (tmp_path / "out").write_bytes(WHOLE[:length])
        (tmp_path / "journal").write_bytes(written[1])
        assert go_on(tmp_path) == whole_rows(WHOLE[:length])
        assert (tmp_path / "out").read_bytes() == WHOLE


def test_the_journal_cut_at_any_byte(tmp_path: Path, written: tuple[bytes, bytes]) -> None:
    journal = written[1]
    for length in range(1, len(journal) + 1):
        (tmp_path / "out").write_bytes(WHOLE)
        (tmp_path / "journal").write_bytes(journal[:length])
        assert go_on(tmp_path) == max(0, whole_rows(journal[:length]) - 2)  # header and model are no rows
        assert (tmp_path / "out").read_bytes() == WHOLE


def test_a_header_longer_than_any_other_line_is_read_whole(tmp_path: Path) -> None:
    """Defaults may hold long lists. Cut off, such a header is a torn one, and there is no row yet."""
    header = Header(seed=0, defaults={"forbid": ["é" * 200_000]}, format="jsonl", version="1", platform="p")
    assert len(header.encode()) > LONGEST
    store = opened(tmp_path, "new", header)
    store.append(job(1), row(1), "error", 0.0)
    store.release()
    again = opened(tmp_path, header=header)
    assert (again.kept.rows, list(again.fingerprints())) == (1, [(1, job(1).fingerprint)])
    again.release()
    os.truncate(tmp_path / "journal", LONGEST + 1000)
    torn = opened(tmp_path, header=header)
    assert torn.kept.rows == 0
    torn.release()


def test_both_cut_and_again_in_the_next_run(tmp_path: Path, written: tuple[bytes, bytes]) -> None:
    (tmp_path / "out").write_bytes(WHOLE[:300])
    (tmp_path / "journal").write_bytes(written[1][:500])
    go_on(tmp_path, upto=7)
    os.truncate(tmp_path / "out", 410)
    go_on(tmp_path)
    assert (tmp_path / "out").read_bytes() == WHOLE
    assert go_on(tmp_path) == COUNT


def test_a_byte_spoilt_after_the_last_sync_is_repaired(tmp_path: Path, written: tuple[bytes, bytes]) -> None:
    for place in range(0, len(WHOLE), 7):
        (tmp_path / "out").write_bytes(WHOLE[:place] + b"\0" + WHOLE[place + 1 :])
        (tmp_path / "journal").write_bytes(written[1])
        assert go_on(tmp_path) == whole_rows(WHOLE[:place])
        assert (tmp_path / "out").read_bytes() == WHOLE


def test_a_byte_spoilt_before_the_last_sync_is_refused(tmp_path: Path) -> None:
    go_on(tmp_path, mode="new")  # synced at every row
    spoilt = WHOLE[:150] + b"\0" + WHOLE[151:]
    (tmp_path / "out").write_bytes(spoilt)
    with pytest.raises(RequestError, match="row 2 has changed since"):
        go_on(tmp_path)
    assert (tmp_path / "out").read_bytes() == spoilt


def test_a_journal_spoilt_in_the_middle_costs_the_rows_behind_it(tmp_path: Path, written: tuple[bytes, bytes]) -> None:
    lines = written[1].splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"error"', b'"err0r"')
    (tmp_path / "out").write_bytes(WHOLE)
    (tmp_path / "journal").write_bytes(b"".join(lines))
    assert go_on(tmp_path) == 3
    assert (tmp_path / "out").read_bytes() == WHOLE


@pytest.mark.parametrize("foreign", [b"hello\n", b"x" * 50, b'["other",1] 00000000\n', b'["searchgen batch",1,{}] 0\n'])
def test_a_foreign_journal_is_refused_and_left_alone(tmp_path: Path, foreign: bytes) -> None:
    (tmp_path / "out").write_bytes(WHOLE)
    (tmp_path / "journal").write_bytes(foreign)
    with pytest.raises(RequestError, match="not a journal"):
        go_on(tmp_path)
    assert ((tmp_path / "out").read_bytes(), (tmp_path / "journal").read_bytes()) == (WHOLE, foreign)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Header(1, {}, "jsonl", version="1", platform="p"), "seed 0, this one has 1"),
        (Header(0, {"n": 2}, "jsonl", version="1", platform="p"), "defaults"),
        (Header(0, {}, "txt", version="1", platform="p"), "format"),
        (
            Header(0, {}, "jsonl", version="2", platform="p"),
            'this one has "2"; continue it with that release, or begin again',
        ),
        (Header(0, {}, "jsonl", version="1", platform="q"), "platform"),
    ],
)
def test_another_run_is_refused_with_the_reason(tmp_path: Path, other: Header, said: str) -> None:
    go_on(tmp_path, upto=3, mode="new")
    with pytest.raises(RequestError, match=said):
        opened(tmp_path, header=other)
    assert go_on(tmp_path) == 3


def test_modes(tmp_path: Path) -> None:
    assert go_on(tmp_path, upto=3) == 0  # nothing there: it begins
    with pytest.raises(RequestError, match="--resume goes on"):
        opened(tmp_path, "new")
    assert go_on(tmp_path, upto=5, mode="overwrite") == 0
    assert (tmp_path / "out").read_bytes() == b"".join(map(row, range(1, 6)))
    (tmp_path / "journal").unlink()
    with pytest.raises(RequestError, match="no journal"):
        opened(tmp_path)


def test_two_runs_on_one_output_are_refused(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(RequestError, match="another run"):
        opened(tmp_path)
    with pytest.raises(RequestError, match="another run"):
        Store.open(tmp_path / "out", tmp_path / "journal2", HEADER, "resume")
    store.release()
    opened(tmp_path).release()


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_standard_output_goes_on_behind_the_rows_the_journal_knows(tmp_path: Path, cut: int) -> None:
    begin = b"a line of its own\n"
    out = tmp_path / "out"
    out.write_bytes(begin)
    appending = os.O_WRONLY | os.O_APPEND
    for mode, numbers in (("new", range(1, 5)), ("resume", range(5, COUNT + 1))):
        descriptor = os.open(out, appending)
        store = Store.stream(descriptor, tmp_path / "journal", HEADER, mode)
        for number in numbers:
            store.append(job(number), row(number), "error", 0.0)
        os.close(store.journal)
        if mode == "new":
            os.write(descriptor, row(5)[:cut])  # killed in the middle of a row
        os.close(descriptor)
    assert out.read_bytes() == begin + WHOLE
    os.truncate(out, 100)
    descriptor = os.open(out, appending)
    with pytest.raises(RequestError, match="stdout has 100 bytes"):
        Store.stream(descriptor, tmp_path / "journal", HEADER, "resume")


def test_a_power_cut_costs_the_rows_of_one_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not been brought to the disk is gone from both files; a row takes a tenth of the interval."""
    clock, durable = [0.0], {}
    monkeypatch.setattr("searchgen.batch.store.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(
        "searchgen.batch.store.make_durable",
        lambda descriptor: durable.update({os.fstat(descriptor).st_ino: os.fstat(descriptor).st_size}),
    )
    files = tmp_path / "out", tmp_path / "journal"
    store = Store.open(*files, HEADER, "new", 1.0)
    most = 0
    for number in range(1, 100):
        clock[0] += 0.1
        store.append(job(number), row(number), "error", 0.0)
        sizes = [durable.get(path.stat().st_ino, 0) for path in files]
        kept = files[0].read_bytes()[: sizes[0]].count(b"\n")
        most = max(most, number - kept)
        assert files[1].read_bytes()[: sizes[1]].count(b'["row"') == kept
    assert 9 <= most <= 10
    os.close(store.output)
    os.close(store.journal)
    for path, size in zip(files, sizes, strict=True):
        os.truncate(path, size)
    again = Store.open(*files, HEADER, "resume", 1.0)
    assert again.kept.rows == kept
    again.release()
