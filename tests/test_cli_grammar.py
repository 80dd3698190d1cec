"""`imapspec generate` and `imapspec validate`: what they write, and how they end."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.grammar import load
from conformance.wire import Cutter

if TYPE_CHECKING:
    from pathlib import Path

STREAM = (
    b"* OK ready\r\n"
    b'* LIST () "/" {3}\r\na\r\n\r\n'
    b"* 1 FETCH (UID 0)\r\n"
    b"a1 OK done {5}\r\n"
    b'* LIST () "/" {3}\r\nab\0\r\n'
    b"* 1 FETCH (FLAGS (\\Seen"
)


def generated(capfdbinary: pytest.CaptureFixture[bytes], *argv: str) -> tuple[bytes, str]:
    assert main(["generate", *argv]) == 0
    out, err = capfdbinary.readouterr()
    return out, err.decode()


def judged(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["validate", *argv])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.fixture
def stream(tmp_path: Path) -> str:
    (tmp_path / "stream").write_bytes(STREAM)
    return str(tmp_path / "stream")


# ---- generate -----------------------------------------------------------------------------------------------------------


def test_units_are_written_as_octets(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out, err = generated(capfdbinary, "--kind", "response", "--count", "50", "--seed", "7")
    units = [unit.octets for unit in Cutter().receive(out)]
    assert len(units) == 50
    assert all(load().recognise("response", unit) for unit in units)
    assert err == "imapspec: exit 0 (50 responses; seed 7)\n"


def test_the_seed_decides(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    one, again, other = (generated(capfdbinary, "--seed", seed)[0] for seed in ("1", "1", "2"))
    assert one == again != other


def test_mutants_come_with_labels(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out, err = generated(capfdbinary, "--mutate", "--json", "--count", "200")
    made = [json.loads(line) for line in out.splitlines()]
    for mutant in made:
        assert load().recognise("command", mutant["octets"].encode("latin-1")) == mutant["valid"]
        assert mutant["edits"]
    valid = sum(mutant["valid"] for mutant in made)
    assert err == f"imapspec: exit 0 (200 commands; {valid} valid, {200 - valid} not; seed 0)\n"


def test_one_rule_alone(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out, _ = generated(capfdbinary, "--rule", "sequence-set", "--count", "20")
    assert set(out) <= set(b"0123456789:,*\n")
    assert out.count(b"\n") == 20


@pytest.mark.parametrize("goal", ["alternatives", "pairs"])
def test_a_directed_set_reports_the_sizes_of_both(
    capfdbinary: pytest.CaptureFixture[bytes], goal: str
) -> None:
    out, err = generated(capfdbinary, "--kind", "greeting", "--directed", goal)
    number = len(Cutter().receive(out))
    assert err.startswith(f"imapspec: exit 0 ({number} greetings; ")
    assert f"{number} cover all " in err
    assert "alternatives" in err
    assert "pairs" in err


@pytest.mark.parametrize(
    "argv",
    [["--rule", "nothing"], ["--mutate", "--directed"], ["--mutate", "--rule", "fetch"], ["--count", "x"]],
)
def test_what_cannot_be_generated_is_wrong_usage(capfd: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main(["generate", *argv]) == 4
    assert "exit 4" in capfd.readouterr().err


# ---- validate -----------------------------------------------------------------------------------------------------------


def test_each_refused_unit_is_shown_with_its_place_in_the_file(
    capfd: pytest.CaptureFixture[str], stream: str
) -> None:
    code, out, err = judged(capfd, stream, "--stream")
    assert code == 1
    assert err == "imapspec: exit 1 (3 of 6 responses refused)\n"
    first, second, third = out.strip("\n").split("\n\n")
    place = STREAM.index(b"UID 0") + 4
    assert first.startswith(f"{stream}: octet {place}, in response 3\n    * 1 FETCH (UID 0)\n")
    line, caret = first.split("\n")[1:]
    assert line[caret.index("^")] == "0"
    assert "uniqueid: at octet 15 expected a number above 0, found 0" in caret
    assert f"octet {STREAM.index(bytes(1))}, in response 5" in second
    assert f"octet {len(STREAM)}, in response 6" in third


def test_the_first_unit_of_a_stream_is_a_greeting(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"* NO x\r\n* NO y\r\n")
    assert judged(capfd, str(tmp_path / "x"))[0] == 0
    code, out, _ = judged(capfd, str(tmp_path / "x"), "--stream")
    assert code == 1
    assert "in greeting 1" in out
    assert "in response 2" not in out


def test_json_says_the_same(capfd: pytest.CaptureFixture[str], stream: str) -> None:
    code, out, _ = judged(capfd, stream, "--stream", "--json")
    data = json.loads(out)
    assert code == 1
    assert data["units"] == 6
    assert [one["unit"] for one in data["refused"]] == [3, 5, 6]
    first = data["refused"][0]
    assert first["offset"] == STREAM.index(b"UID 0") + 4
    assert first["rule"] == "uniqueid"
    assert first["expected"] == ["a number above 0"]
    assert first["octets"] == "* 1 FETCH (UID 0)\r\n"


@pytest.mark.parametrize("kind", ["response", "greeting", "command"])
def test_what_is_generated_is_valid(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    octets, _ = generated(capfdbinary, "--kind", kind, "--count", "1000")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
    assert main(["validate", "-", "--kind", kind]) == 0
    word = "command" if kind == "command" else "response"
    assert capfdbinary.readouterr().err.decode() == f"imapspec: exit 0 (1000 {word}s, well formed)\n"


def test_commands_are_cut_with_literals_and_the_answers_to_authenticate(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(
        b"a LOGIN {4}\r\na b\n {0}\r\n\r\n" b"b AUTHENTICATE PLAIN\r\nAAAA\r\n\r\n" b"c NOPE\r\n" b"d NOOP\r\n" b"e LOGIN {9}\r\nx"
    )  # fmt: skip
    code, out, err = judged(capfd, str(tmp_path / "x"), "--kind", "command")
    assert code == 1
    assert err == "imapspec: exit 1 (2 of 5 commands refused)\n"
    assert "in command 3" in out
    assert "in command 5" in out


def test_what_is_shown_is_printable(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"* \x1b[2J\xff\x9b FETCH\r\n")
    _, out, _ = judged(capfd, str(tmp_path / "x"))
    assert all(line.isprintable() for line in out.splitlines())
    assert r"\x1b[2J" in out


def test_a_response_without_end_does_not_end_the_judgement(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(b"* 1 FETCH (BODY[] {99999999999}\r\nabc")
    code, out, _ = judged(capfd, str(tmp_path / "x"))
    assert code == 1
    assert "more octets of the literal" in out


def test_no_input_and_no_file_are_told(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(capfd, str(tmp_path / "missing"))[0] == 4
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert judged(capfd, "-")[0] == 5
    assert judged(capfd, "-", "--stream", "--kind", "greeting")[0] == 4
