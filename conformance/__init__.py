"""imapspec: a conformance and fuzz-testing suite for IMAP servers (RFC 3501 and its extensions)."""

__version__ = "0.1.0"
