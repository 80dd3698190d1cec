"""Compiled grammars that are kept for the next start: the same tables, and nothing but time is lost where they cannot be kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from conformance import resources
from conformance.grammar import store
from conformance.grammar.compose import compose, files, load_tables
from conformance.grammar.tables import loads, tables

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = [
    (files(("rfc3501",), commands=False), ("response_unit", "greeting")),
    (files(("rfc3501", "rfc3516", "rfc7888"), commands=True), ("command",)),
    ((*files(("rfc3501",), commands=False), "template"), ("template",)),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "imapspec"


@pytest.mark.parametrize(("fragments", "rules"), ENTRIES, ids="+".join)
def test_the_text_of_tables_has_all_of_them(fragments: tuple[str, ...], rules: tuple[str, ...]) -> None:
    made = tables(compose(fragments, rules))
    read = loads(made.dumps())
    assert read == made
    assert read.items == made.items
    assert len(read.items) == len(read.shifts) == len(read.folds) > 100


def test_the_second_start_reads_what_the_first_has_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_tables(*ENTRIES[0])
    assert len(list(home.iterdir())) == 1
    monkeypatch.setattr("conformance.grammar.compose.Lark", None)
    assert load_tables(*ENTRIES[0]) == first


def test_another_text_or_entry_rule_is_compiled_anew(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "GRAMMARS", tmp_path)
    for text in ('one: "A"\ntwo: one "B"\n', 'one: "B"\ntwo: one "B"\n'):
        (tmp_path / "own.lark").write_text(text, encoding="ascii")
        for rule in ("one", "two"):
            assert load_tables(("own",), (rule,)) == tables(compose(("own",), (rule,)))
    assert len(list(home.iterdir())) == 4


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", None], ids=["empty", "other", "8-bit", "cut"])
def test_a_damaged_file_is_made_anew(home: Path, damage: bytes | None) -> None:
    first = load_tables(*ENTRIES[0])
    (file,) = home.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] if damage is None else damage)
    assert load_tables(*ENTRIES[0]) == first
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_made_costs_only_time(home: Path) -> None:
    home.write_text("a file where the folder should be")
    assert load_tables(*ENTRIES[0]).starts.keys() == {"response_unit", "greeting"}


def test_where_there_is_no_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", no_home)
    store.write("made of this", "text")
    assert store.read("made of this") is None


def no_home() -> Path:
    raise RuntimeError("no home")


def test_only_the_latest_are_kept(home: Path) -> None:
    for n in range(40):
        store.write(f"{n}", "text")
        for file in home.iterdir():
            if file.name == store._file(f"{n}").name:
                os.utime(file, (n, n))
    assert store.read("0") is None
    assert [n for n in range(40) if store.read(f"{n}")] == list(range(40 - len(list(home.iterdir())), 40))
    assert {file.suffix for file in home.iterdir()} == {".json"}
