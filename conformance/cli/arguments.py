"""What can be written on the command line and in `imapspec.toml`; the command line wins."""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from conformance import __version__
from conformance.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Command:
    """One command: its help, its arguments, and the function that carries it out (module of this package, name)."""

    help: str
    entry: tuple[str, str]
    arguments: Callable[[argparse.ArgumentParser], None]


class _Parser(argparse.ArgumentParser):
    """Reports mistakes as `UsageError`, with the nearest known word."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")


def _connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the server")
    add = group.add_argument
    add(
        "-u",
        "--user",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help="an account; twice for two (or IMAPSPEC_USERS)",
    )
    add("--user-file", type=Path, metavar="FILE", help="accounts, one USER:PASSWORD a line")
    add(
        "--start",
        metavar="CMD",
        help="start the server with this command (in the foreground, listening at TARGET; {port} is replaced)",
    )
    add("--ca-file", type=Path, metavar="FILE", help="authorities to trust instead of the system's (PEM)")
    add(
        "--client-cert", type=Path, metavar="FILE", help="our certificate, for servers that ask for one (PEM)"
    )
    add("--client-key", type=Path, metavar="FILE", help="its key, if it is in a file of its own")
    add(
        "--server-name",
        default="",
        metavar="NAME",
        help="name to verify in the certificate instead of the host",
    )
    add("--insecure", action="store_true", help="do not verify the certificate")
    add(
        "--tls",
        choices=("imap", "imaps", "imap+starttls"),
        default="imap",
        help="how to connect to a throw-away server",
    )
    add("--timeout", type=_positive, default=5.0, metavar="SECONDS", help="for one answer (default 5)")
    add("--seed", type=int, metavar="N", help="repeat a run's choices, the names of mailboxes among them")


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="[TARGET] IDS", help="the server, then RFCs, sections, ids or patterns"
    )
    _connection(parser)
    group = parser.add_argument_group("what to run")
    add = group.add_argument
    add(
        "--scenarios",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of your own *.imap files, besides ours",
    )
    add(
        "--level",
        choices=("must", "should", "may"),
        default="may",
        help="leave out cases that prove only weaker requirements",
    )
    add(
        "--last-failed",
        action="store_true",
        help="only what was unexpected in the last run of this report folder",
    )
    add("--allow-inbox", action="store_true", help="cases may touch INBOX of a server that is not ours")
    add("--list", action="store_true", help="say what would run, and stop")
    group = parser.add_argument_group("how to run")
    add = group.add_argument
    add("-n", "--workers", type=int, default=0, metavar="N", help="play cases in N processes")
    add(
        "--rate-limit",
        type=float,
        default=0.0,
        metavar="N",
        help="at most N commands a second on a connection",
    )
    add("-x", "--exitfirst", action="store_true", help="stop after the first unexpected result")
    add("--no-confirm", action="store_true", help="do not play a case with a new failure again")
    group = parser.add_argument_group("what to make of it")
    add = group.add_argument
    add("--expect", type=Path, metavar="FILE", help="file of known failures")
    add("--strict", action="store_true", help="unmet SHOULDs decide too")
    add(
        "--report-dir",
        type=Path,
        default=Path("imapspec-report"),
        metavar="DIR",
        help="default: imapspec-report",
    )
    add(
        "-v",
        "--verbose",
        action="store_true",
        help="a line for every case, and failure blocks of known failures",
    )
    add("-q", "--quiet", action="store_true", help="only what is unexpected, and the last line")


def _smoke(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET")
    _connection(parser)


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="IDS")
    parser.add_argument("--requirements", action="store_true", help="requirements instead of cases")
    parser.add_argument("--level", choices=("must", "should", "may"), help="only requirements of this level")


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a case or a requirement")


def _nothing(_parser: argparse.ArgumentParser) -> None:
    pass


COMMANDS: dict[str, Command] = {
    "run": Command("play scenarios against a server and write a report", ("run", "run"), _run),
    "smoke": Command(
        "connect, log in, and say what would run and what would be skipped", ("account", "smoke"), _smoke
    ),
    "list": Command("cases, or requirements and what proves them", ("look", "list_"), _list),
    "explain": Command("what a case or a requirement is about", ("look", "explain"), _explain),
    "servers": Command("throw-away servers that can be started here", ("look", "servers"), _nothing),
    "clean": Command("remove mailboxes that a killed run has left on a server", ("account", "clean"), _smoke),
}

_EPILOG = """TARGET is imap://HOST:PORT, imaps://HOST:PORT, imap+starttls://HOST:PORT, or the name of a throw-away server
(see `imapspec servers`); without one, the embedded server is tested.

exit codes: 0 as expected, 1 unexpected result, 2 interrupted, 3 our own error, 4 wrong usage, 5 nothing selected,
6 server unreachable"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="imapspec",
        description="Tests IMAP servers against RFC 3501, octet for octet.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"imapspec {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
        command.arguments(sub)
        sub.set_defaults(**_configured(sub, name))
    return top


def read(argv: Sequence[str]) -> argparse.Namespace:
    """The options of one call. Raises `UsageError`."""
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        raise UsageError(f"unknown command {argv[0]}{nearest(argv[0], COMMANDS)}. See `imapspec --help`.")
    options, extra = parser().parse_known_args(argv)
    words = getattr(options, "words", None)
    for word in extra:
        if (
            word.startswith("-") or words is None
        ):  # argparse takes positionals only in one piece; we take them anywhere
            raise UsageError(
                f"{options.command}: {word} is not understood. See `imapspec {options.command} --help`."
            )
        words.append(word)
    return options


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _configured(sub: argparse.ArgumentParser, command: str) -> dict[str, Any]:
    """Defaults from `imapspec.toml`, or `[tool.imapspec]` of `pyproject.toml`, in the present folder."""
    settings, source = _settings()
    known = {
        option.lstrip("-"): action
        for action in sub._actions  # noqa: SLF001 - argparse has no public way to its options
        for option in action.option_strings
        if option.startswith("--")
    }
    if command == "run":
        for key in settings:
            if key not in known and key != "target":
                raise UsageError(f"{source}: unknown key {key!r}{nearest(key, known)}")
    return {
        known[key].dest: _typed(known[key], key, value, source)
        for key, value in settings.items()
        if key in known
    } | ({"configured_target": settings["target"]} if "target" in settings else {})


def _typed(action: argparse.Action, key: str, value: Any, source: str) -> Any:
    if isinstance(value, list) != isinstance(action.default, list) or isinstance(value, bool) != (
        action.nargs == 0
    ):
        raise UsageError(f"{source}: {key} has the wrong type")
    if callable(action.type) and not isinstance(value, list):
        try:
            return action.type(str(value))
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise UsageError(f"{source}: {key}: {error}") from None
    return value


def _settings() -> tuple[dict[str, Any], str]:
    for name, path in (("imapspec.toml", ()), ("pyproject.toml", ("tool", "imapspec"))):
        try:
            data = tomllib.loads(Path(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            if path:
                continue  # somebody else's file
            raise UsageError(f"{name}: {error}") from None
        for part in path:
            data = data.get(part, {})
        if data or not path:
            return data, name
    return {}, ""
