"""The layers of ARCHITECTURE.md: who may import whom, measured from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import conformance

PACKAGE = Path(conformance.__file__).parent

#: Each line may import only those above it; members of one line are strangers to each other.
LAYERS = (
    ("__init__", "errors", "resources"),
    ("journal",),
    ("catalogue", "grammar"),
    ("report", "expectations", "wire", "uids"),
    ("response",),
    ("asked", "memory"),
    ("model",),
    ("checks",),
    ("scenario", "session"),
    ("transport", "generate"),
    ("servers", "recording"),
    ("runner",),
    ("pytest_plugin", "watch"),
    ("cli",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

#: The report must not be able to change a verdict: it sees the journal and the catalogue, nothing of the run.
REPORT_SEES = {"__init__", "errors", "resources", "journal", "catalogue", "report"}

#: Below the line only for its `random.Random`, which is always the caller's or made from the caller's seed.
GENERATE_SEES = {"__init__", "errors", "resources", "grammar", "generate"}

#: Above the transport there is no socket, no clock, no thread, no chance.
SANS_IO = {name for name, rank in RANK.items() if rank <= RANK["session"]}
IMPURE = {
    "asyncio",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "data" not in path.relative_to(PACKAGE).parts)


def imported(path: Path) -> set[str]:
    """Absolute names of everything a module imports, type-only imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_one_call_against_the_order_of_layers_is_the_published_one() -> None:
    """`Grammar.generate` is API; it names its layer as a string, which no other module may do."""
    users = {layer_of(p) for p in modules() if 'import_module("conformance.' in p.read_text(encoding="utf-8")}
    assert users == {"grammar"}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def ours(names: set[str]) -> set[str]:
    """The top-level parts of the package among imported names."""
    parts = (name.split(".") for name in names if name.split(".")[0] == "conformance")
    return {p[1] if len(p) > 1 and p[1] in RANK else "__init__" for p in parts}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_layers_above_its_own(path: Path) -> None:
    layer = layer_of(path)
    for other in ours(imported(path)):
        assert other == layer or RANK[other] < RANK[layer], f"{layer} must not import {other}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "report").rglob("*.py")), ids=lambda p: p.name)
def test_the_report_sees_only_journal_and_catalogue(path: Path) -> None:
    assert ours(imported(path)) <= REPORT_SEES


@pytest.mark.parametrize("path", sorted((PACKAGE / "generate").rglob("*.py")), ids=lambda p: p.name)
def test_the_generator_sees_only_the_grammar_and_of_the_impure_only_chance(path: Path) -> None:
    assert ours(imported(path)) <= GENERATE_SEES
    assert not {name.split(".")[0] for name in imported(path)} & (IMPURE - {"random"})


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_socket_clock_thread_or_chance_above_the_transport(path: Path) -> None:
    if layer_of(path) in SANS_IO:
        assert not {name.split(".")[0] for name in imported(path)} & IMPURE


def test_only_the_transport_knows_sockets() -> None:
    for path in modules():
        if layer_of(path) not in ("transport", "servers"):
            assert not {name.split(".")[0] for name in imported(path)} & {"socket", "ssl"}, path


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {layer_of(path) for path in modules()} <= set(RANK)


def test_there_are_no_import_cycles() -> None:
    graph = {
        ".".join(("conformance", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): imported(path)
        for path in modules()
    }
    edges = {
        name: {
            other
            for other in graph
            if other != name and any(i == other or i.startswith(other + ".") for i in names)
        }
        for name, names in graph.items()
    }
    # A package's own modules may name the package (`from conformance.x import y`); the package then stands for its files.
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in edges[name]:
                if not name.startswith(other + "."):
                    visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
