"""What hostile servers cost: `python benchmarks/hostile.py [NAME...]` prints the table case, verdict, seconds, peak memory.

Every attack of `tests/hostile_servers.py` (or those whose names contain a word) at every point of a session, each against a run of one
case in a process of its own. The exit code is 1 if a run ends otherwise than with 1 or 6, or takes more than 200 MB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import calls
import hostile_servers as hostile
import peers
import test_hostile
from miniature import Miniature

from conformance import journal

CASES = {"at a literal": "rfc3501/6.3.11-append/appends-a-message"}


def row(name: str, point: str, words: list[str], folder: Path) -> bool:
    """Run, and print one row; whether it was as it has to be."""
    case = CASES.get(point, test_hostile.CASE)
    ran = test_hostile.run(
        "run", *words, case, "--timeout", str(test_hostile.TIMEOUT), folder=folder, patience=600
    )
    told = journal.read(folder / "imapspec-report" / "run.jsonl")
    verdicts = Counter(result.status for result in told.results if not result.always_on)
    said = " ".join(sorted(verdicts)) or "none"
    right = ran.code in (1, 6) and "ERROR" not in verdicts and ran.memory < test_hostile.MEMORY
    print(
        f"{name:40} {point:16} {said:14} exit {ran.code} {ran.seconds:6.1f} s {ran.memory:5.0f} MB{'' if right else '  WRONG'}",
        flush=True,
    )
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only attacks whose names contain one of these")
    wanted = parser.parse_args().words

    def chosen(name: str) -> bool:
        return not wanted or any(word in name for word in wanted)

    right = True
    for point, begins in hostile.POINTS.items():
        for name, attack in hostile.ATTACKS.items():
            if chosen(name):
                with (
                    Miniature(hostile.attacking(attack, begins)) as server,
                    tempfile.TemporaryDirectory() as folder,
                ):
                    right &= row(name, point, calls.target(server), Path(folder))
    for scheme in ("imaps", "imap+starttls"):
        for name, behave in hostile.HANDSHAKES.items():
            if chosen(name):
                behaving = behave if scheme == "imaps" else hostile.in_clear(behave)
                with peers.peer(behaving) as port, tempfile.TemporaryDirectory() as folder:
                    words = [f"{scheme}://127.0.0.1:{port}", *test_hostile.ACCOUNT]
                    right &= row(name, scheme, words, Path(folder))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
