"""A throw-away authority and a certificate for servers on the loopback interface.

Knows: trustme, PEM files. Must not know: which server uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """PEM files: the authority (for us), the server's certificate with its chain, and its key."""

    ca_file: Path
    certificate: Path
    key: Path


def issue(folder: Path) -> Certificates:
    """Write a new authority and a server certificate for `NAMES` into `folder`. Takes some milliseconds."""
    import trustme  # noqa: PLC0415 - slow to import, and only owned servers need it

    authority = trustme.CA()
    issued = authority.issue_cert(*NAMES)
    files = Certificates(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(files.ca_file)
    for position, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(files.certificate, append=position > 0)
    issued.private_key_pem.write_to_path(files.key)
    return files
