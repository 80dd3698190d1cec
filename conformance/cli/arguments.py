"""What can be written on the command line and in `imapspec.toml`; the command line wins."""

from __future__ import annotations

import argparse
import math
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
    """Reports mistakes as `UsageError`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")


class _Collect(argparse.Action):
    """Like `append`, but the command line replaces what the configuration file lists."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del parser, option_string
        begun = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*([] if begun is self.default else begun), values])


def _connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the server")
    add = group.add_argument
    add(
        "-u",
        "--user",
        action=_Collect,
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
    add("--seed", type=_whole, metavar="N", help="repeat a run's choices, the names of mailboxes among them")


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
        action=_Collect,
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
    add("-n", "--workers", type=_whole, default=0, metavar="N", help="play cases in N processes")
    add(
        "--rate-limit",
        type=_rate,
        default=0.0,
        metavar="N",
        help="at most N commands a second on a connection",
    )
    add("-x", "--exitfirst", action="store_true", help="stop after the first case with an unexpected result")
    add("--no-confirm", action="store_true", help="do not play a case with a new failure again")
    _judging(parser)


def _judging(parser: argparse.ArgumentParser) -> None:
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


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="the address of the server")
    add = parser.add_argument
    add(
        "--listen",
        type=_listening,
        default=("127.0.0.1", 1143),
        metavar="[HOST:]PORT",
        help="where clients connect (default 127.0.0.1:1143; port 0: any that is free)",
    )
    add("--listen-tls", action="store_true", help="clients begin with TLS, as for imaps")
    add(
        "--cert",
        type=Path,
        metavar="FILE",
        help="the certificate that clients see (default: a throw-away one)",
    )
    add("--key", type=Path, metavar="FILE", help="its key, if it is in a file of its own")
    _connection(parser)
    _judging(parser)


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="IDS")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--requirements", action="store_true", help="requirements instead of cases")
    what.add_argument(
        "--coverage",
        action="store_true",
        help="the RFC's key words, by section and level, and what became of them",
    )
    parser.add_argument("--level", choices=("must", "should", "may"), help="only requirements of this level")


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a case or a requirement")


def _kind(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--kind", choices=("response", "greeting", "command"), default=default, help=f"default: {default}"
    )


def _generate(parser: argparse.ArgumentParser) -> None:
    _kind(parser, "command")
    add = parser.add_argument
    add("--rule", default="", metavar="NAME", help="only what this rule of the grammar is")
    add("--count", type=_whole, default=10, metavar="N", help="default: 10")
    add("--seed", type=_whole, default=0, metavar="N", help="another seed, other units (default 0)")
    add(
        "--mutate",
        action="store_true",
        help="with a few mistakes each; --json says which, and whether they matter",
    )
    add(
        "--directed",
        nargs="?",
        choices=("alternatives", "pairs"),
        const="alternatives",
        help="a set that covers every alternative of every rule, or every pair of them",
    )
    add("--json", action="store_true", help="one JSON object a line instead of octets")


def _validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what was recorded; - for standard input")
    _kind(parser, "response")
    parser.add_argument(
        "--stream",
        action="store_true",
        help="a connection from its beginning: the first response is a greeting",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")


def _score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[RUN.JSONL] IDS",
        help="journals (default: imapspec-report/run.jsonl), then RFCs, sections, ids or patterns",
    )
    add = parser.add_argument
    add("--sample", type=_whole, default=0, metavar="N", help="only so many cases, at even distances")
    add("-n", "--workers", type=_whole, default=0, metavar="N", help="in N processes")
    add("-v", "--verbose", action="store_true", help="also what the recorded plays did not come to")


def _nothing(_parser: argparse.ArgumentParser) -> None:
    pass


COMMANDS: dict[str, Command] = {
    "run": Command("play scenarios against a server and write a report", ("run", "run"), _run),
    "smoke": Command(
        "connect, log in, and say what would run and what would be skipped", ("account", "smoke"), _smoke
    ),
    "watch": Command(
        "stand between a client and a server, and judge what the server says", ("watch", "watch"), _watch
    ),
    "list": Command("cases, or requirements and what proves them", ("look", "list_"), _list),
    "explain": Command("what a case or a requirement is about", ("look", "explain"), _explain),
    "servers": Command("throw-away servers that can be started here", ("look", "servers"), _nothing),
    "clean": Command("remove mailboxes that a killed run has left on a server", ("account", "clean"), _smoke),
    "score": Command(
        "judge a recorded run again with its responses altered: which expectations can fail?",
        ("score", "score_"),
        _score,
    ),
    "generate": Command(
        "responses or commands made from the grammar, valid or nearly so", ("generate", "generate"), _generate
    ),
    "validate": Command("judge recorded octets by the grammar", ("validate", "validate"), _validate),
}

_EPILOG = """TARGET is imap://HOST:PORT, imaps://HOST:PORT, imap+starttls://HOST:PORT, or the name of a throw-away server
(see `imapspec servers`); without one, the embedded server is tested.

exit codes: 0 as expected, 1 unexpected result, 2 interrupted, 3 our own error, 4 wrong usage, 5 nothing selected,
6 server unreachable"""


def read(argv: Sequence[str]) -> argparse.Namespace:
    """The options of one call. Raises `UsageError`."""
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        raise UsageError(
            f"{argv[0]}: there is no such command{nearest(argv[0], COMMANDS) or '.'} See `imapspec --help`."
        )
    top, parsers = _parsers()
    if argv and argv[0] in _CONFIGURABLE and not {"-h", "--help"} & set(argv):
        parsers[argv[0]].set_defaults(**_configured(parsers[argv[0]], parsers["run"]))
    options, extra = top.parse_known_args(argv)
    options.argv = list(argv)
    words = getattr(options, "words", None)
    for word in extra:
        if word.startswith("-") or words is None:
            name = word.partition("=")[0]
            near = nearest(name, _options(parsers[options.command])) if word.startswith("--") else ""
            raise UsageError(
                f"{options.command}: {name} is not understood{near or '.'} See `imapspec {options.command} --help`."
            )
        words.append(word)  # argparse takes positionals only in one piece; we take them anywhere
    return options


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The whole command line, and its part for each command."""
    top = _Parser(
        prog="imapspec",
        description="Tests IMAP servers against RFC 3501, octet for octet.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"imapspec {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    parsers: dict[str, argparse.ArgumentParser] = {}
    for name, command in COMMANDS.items():
        parsers[name] = commands.add_parser(
            name, help=command.help, description=command.help, allow_abbrev=False
        )
        command.arguments(parsers[name])
    return top, parsers


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The long options of a command."""
    return {
        option: action
        for action in parser._actions  # noqa: SLF001 - argparse has no public way to its options
        for option in action.option_strings
        if option.startswith("--") and action.dest != "help"
    }


def _number(kind: type[int | float], least: str, accepted: Callable[[float], bool]) -> Callable[[str], Any]:
    """A type of argument: a number that is accepted."""

    def convert(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(-1)
        if not accepted(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not a {least}")
        return value

    return convert


_positive = _number(float, "number of seconds above 0", lambda value: 0 < value < math.inf)
_rate = _number(float, "number from 0 on", lambda value: 0 <= value < math.inf)
_whole = _number(int, "whole number from 0 on", lambda value: value >= 0)


def _listening(text: str) -> tuple[str, int]:
    """Host and port of `--listen`."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


#: Commands for which the configuration file speaks.
_CONFIGURABLE = ("run", "smoke", "clean", "watch")


def _configured(parser: argparse.ArgumentParser, run: argparse.ArgumentParser) -> dict[str, Any]:
    """Defaults from `imapspec.toml`, or `[tool.imapspec]` of `pyproject.toml`, in the present folder.

    Keys are the long options of `run`; a command takes those that it has. Raises `UsageError`.
    """
    settings, source = _settings()
    known = {option.removeprefix("--"): action for option, action in _options(run).items()}
    for key in settings:
        if key not in known and key != "target":
            raise UsageError(f"{source}: unknown key {key!r}{nearest(key, [*known, 'target']) or '.'}")
    target = settings.pop("target", None)
    if not isinstance(target, str | None):
        raise UsageError(f"{source}: target must be a string.")
    values = {key: _typed(known[key], f"{source}: {key}", value) for key, value in settings.items()}
    own = {option.removeprefix("--"): action.dest for option, action in _options(parser).items()}
    return {own[key]: value for key, value in values.items() if key in own} | {"configured_target": target}


def _typed(action: argparse.Action, where: str, value: Any) -> Any:
    """The value of a key as its option would have it. Raises `UsageError`."""
    many = isinstance(action, _Collect)
    values = value if isinstance(value, list) else [value]
    wanted: type[Any] = bool if action.nargs == 0 else str if action.type in (None, Path) else int | float  # type: ignore[assignment]
    exact = all(isinstance(v, wanted) and isinstance(v, bool) == (wanted is bool) for v in values)
    if isinstance(value, list) != many or not exact:
        words = {bool: "true or false", str: "a string"}.get(wanted, "a number")
        raise UsageError(f"{where} must be {f'a list, each item {words}' if many else words}.")
    if action.choices is not None and value not in action.choices:
        raise UsageError(
            f"{where} must be one of {', '.join(action.choices)}{nearest(value, action.choices) or '.'}"
        )
    if not callable(action.type):
        return value
    try:
        converted = [action.type(str(v)) for v in values]
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{where}: {error}.") from None
    return converted if many else converted[0]


def _settings() -> tuple[dict[str, Any], str]:
    for name, path in (("imapspec.toml", ()), ("pyproject.toml", ("tool", "imapspec"))):
        try:
            data = tomllib.loads(Path(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            if path:
                continue  # somebody else's file
            raise UsageError(f"{name} cannot be read: {error}. Correct it, or move it away.") from None
        for part in path:
            data = data.get(part, {})
        if data or not path:
            return data, name
    return {}, ""
