"""Where the data files are: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "data"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

GRAMMARS = _ROOT / "grammars"
SCENARIOS = _ROOT / "scenarios"
MESSAGES = SCENARIOS / "messages"
#: Expectation files of published servers, one per server: what of their failures was judged, and why.
JUDGEMENTS = (_ROOT if _ROOT == _INSTALLED else _ROOT / "reports") / "judgements"
CATALOGUE = _PACKAGE / "catalogue"
