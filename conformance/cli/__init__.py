"""The command line: arguments in, exit code out.

`arguments` says what can be written, each other file carries out one group of commands. A command is imported when it is called, so
that `imapspec --help` does not wait for a grammar.
"""

from __future__ import annotations

import importlib
import signal
import sys
import traceback
from typing import TYPE_CHECKING

from conformance.cli.arguments import COMMANDS, read
from conformance.cli.ending import ended, undisturbed
from conformance.errors import ImapspecError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. The last line on stderr or stdout says which and why."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job tidies up like Ctrl-C
    try:
        options = read(sys.argv[1:] if argv is None else argv)
        module, function = COMMANDS[options.command].entry
        with undisturbed():
            loaded = importlib.import_module(f"conformance.cli.{module}")
        code: int = getattr(loaded, function)(options)
    except ImapspecError as error:
        return ended(str(error), error.exit_code)
    except KeyboardInterrupt:
        return ended("interrupted", 2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; nothing more can be said
        return 0
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and has an exit code of its own
        traceback.print_exc()
        return ended(f"{type(error).__name__}: {error}", 3)
    return code
