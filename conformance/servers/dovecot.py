"""Dovecot 2.3 and 2.4, from the machine's own packages.

It runs without privileges: everything as one ordinary user, nothing in a chroot, all files in its own folder. No plugins, no
mailboxes that it makes by itself, so that an account holds INBOX only. Its storage formats are servers of their own: much of
what IMAP is about (flags, UIDs, recent messages, names) is each format's own code.
"""

from __future__ import annotations

import shutil
import subprocess
from string import Template
from typing import TYPE_CHECKING

from conformance.errors import TargetError
from conformance.servers.owned import Recipe, unprivileged
from conformance.servers.process import Command

if TYPE_CHECKING:
    from conformance.servers.owned import Site

INSTALL = "apt install dovecot-imapd, dnf install dovecot, or brew install dovecot"

_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"

#: What the master and its children write when one of them breaks.
_CRASHES = (r"Panic: ", r"killed with signal", r"core dumped", r"Fatal: .*(Out of memory|assertion)")


def program() -> str | None:
    """The path of the dovecot program, None when it is not installed."""
    return shutil.which("dovecot") or shutil.which("dovecot", path=_PLACES)


def version() -> str | None:
    """The installed version without the build's hash, None when there is none."""
    path = program()
    if path is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - the program that we are about to start
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (answer.stdout.split() or [""])[0]


def recipe(name: str = "dovecot", storage: str = "maildir") -> Recipe:
    """How to start it with that storage format. Raises `TargetError` when it is not installed or of a version unknown here."""
    found = version()
    if found is None:
        raise TargetError(f"Dovecot is not installed. Install it: {INSTALL}.")
    release = ".".join(found.split(".")[:2])
    if release not in _CONFIGURATIONS:
        raise TargetError(
            f"Dovecot {found} has no configuration here. Install one of {', '.join(_CONFIGURATIONS)}."
        )
    return Recipe(name, found, lambda site: _prepare(site, release, storage), _CRASHES)


def _prepare(site: Site, release: str, storage: str) -> Command:
    path = program()
    assert path is not None
    owner = unprivileged()
    for name in ("run", "state", "mail"):
        (site.folder / name).mkdir()
    users = site.folder / "passwd"
    users.write_text("".join(f"{account.user}:{{PLAIN}}{account.password}\n" for account in site.accounts))
    users.chmod(0o600)
    configuration = site.folder / "dovecot.conf"
    values = {
        "folder": site.folder,
        "user": owner.user,
        "group": owner.group,
        "hosts": " ".join(site.hosts),
        "port": site.port,
        "tls_port": site.tls_port,
        "certificate": site.certificates.certificate,
        "key": site.certificates.key,
        "mechanisms": _MECHANISMS,
        "storage": storage,
    }
    services = Template(_SERVICES).substitute(values, **_DIFFERENCES[release])
    configuration.write_text(Template(_CONFIGURATIONS[release]).substitute(values, services=services))
    return Command((path, "-F", "-c", str(configuration)), {"HOME": str(site.folder)}, drop_to=owner)


#: All that work with passwords in clear in its file, and that clients still speak.
_MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256"

_DIFFERENCES = {
    "2.3": {"listen": "address", "keep": "service_count = 0"},
    "2.4": {"listen": "listen", "keep": "restart_request_count = unlimited"},
}

#: Who runs what; nearly the same in both releases. A mode of 0 takes away what makes logins after a wrong password slow.
_SERVICES = """
service imap-login {
  chroot =
  user = $user
  $keep
  process_min_avail = 1
  client_limit = 1000
  inet_listener imap {
    $listen = $hosts
    port = $port
  }
  inet_listener imaps {
    $listen = $hosts
    port = $tls_port
    ssl = yes
  }
}
service imap {
  process_limit = 1000
  $keep
  process_min_avail = 2
}
service anvil {
  chroot =
  user = $user
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
  user = $user
}
service auth {
  user = $user
  client_limit = 2000
}
service imap-urlauth-login {
  chroot =
  user = $user
}
"""

_CONFIGURATIONS = {
    "2.3": """
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
protocols = imap
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
mail_uid = $user
mail_gid = $group
ssl = yes
ssl_cert = <$certificate
ssl_key = <$key
disable_plaintext_auth = no
auth_mechanisms = $mechanisms
auth_failure_delay = 0
mail_home = $folder/mail/%u
mail_location = $storage:~/mail
mail_max_userip_connections = 1000
mail_fsync = never
passdb {
  driver = passwd-file
  args = $folder/passwd
}
userdb {
  driver = static
  args = uid=$user gid=$group home=$folder/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
}
service auth-worker {
  user = $user
}
$services
""",
    "2.4": """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
protocols {
  imap = yes
}
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
mail_uid = $user
mail_gid = $group
ssl = yes
ssl_server_cert_file = $certificate
ssl_server_key_file = $key
auth_allow_cleartext = yes
auth_mechanisms = $mechanisms
auth_failure_delay = 0
mail_home = $folder/mail/%{user}
mail_driver = $storage
mail_path = ~/mail
mail_max_userip_connections = 1000
mail_fsync = never
passdb passwd-file {
  passwd_file_path = $folder/passwd
}
userdb static {
  userdb_static_allow_all_users = yes
  fields {
    uid = $user
    gid = $group
    home = $folder/mail/%{user}
  }
}
namespace inbox {
  inbox = yes
  separator = /
}
$services
""",
}
