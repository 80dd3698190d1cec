"""pymap, the embedded default: an IMAP server from PyPI with its mail in memory.

It runs in a process of its own, by `pymap_program`, because its command line knows one account and no IMAP over TLS.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import TargetError
from conformance.servers.owned import Recipe
from conformance.servers.process import Command

if TYPE_CHECKING:
    from conformance.servers.owned import Site

INSTALL = "pip install pymap"

_PROGRAM = Path(__file__).with_name("pymap_program.py")


def version() -> str | None:
    """The installed version, None when there is none."""
    try:
        return importlib.metadata.version("pymap")
    except importlib.metadata.PackageNotFoundError:
        return None


def recipe() -> Recipe:
    """How to start it. Raises `TargetError` when it is not installed."""
    found = version()
    if found is None:
        raise TargetError(f"pymap is not installed. {INSTALL}")
    return Recipe("pymap", found, _prepare)


def _prepare(site: Site) -> Command:
    settings = site.folder / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "hosts": site.hosts,
                "port": site.port,
                "tls_port": site.tls_port,
                "accounts": {account.user: account.password for account in site.accounts},
            }
        ),
        encoding="utf-8",
    )
    # -P: the program's own folder, which has a pymap.py, is not searched for modules.
    environment = {
        "CERT_FILE": str(site.certificates.certificate),
        "KEY_FILE": str(site.certificates.key),
        "FQDN": "localhost",  # for its greeting; otherwise it looks the machine's name up
    }
    return Command((sys.executable, "-P", str(_PROGRAM), str(settings)), environment)
