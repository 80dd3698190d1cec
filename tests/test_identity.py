"""What holes say of accounts, and that a wrong password is wrong."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.runner import identity
from conformance.scenario.holes import octets
from conformance.servers.base import Account

ALICE, BOB = Account("alice", "white rabbit"), Account("bob", "hatter")


def test_each_of_two_users_knows_the_other() -> None:
    for account, other in ((ALICE, BOB), (BOB, ALICE)):
        bound = {name: octets(value) for name, value in identity.identity(account, (ALICE, BOB)).items()}
        assert base64.b64decode(bound.pop("plain")) == f"\0{account.user}\0{account.password}".encode()
        assert bound == {
            "user": account.user.encode(),
            "password": account.password.encode(),
            "wrong": b"no-such-word",
            "other-user": other.user.encode(),
            "other-password": other.password.encode(),
        }
    assert "other-user" not in identity.identity(ALICE, (ALICE,))


@pytest.mark.parametrize(
    "password", ["", "no-such-word", "NO-SUCH-", "o", "n", "0", "such", "quite-mistaken"]
)
@given(st.text())
def test_a_wrong_password_is_none_that_could_be_taken_for_the_right_one(password: str, longer: str) -> None:
    for secret in (password, longer, password + longer):
        wrong = identity.wrong(secret)
        assert wrong.casefold()[:8] != secret.casefold()[:8]
        assert not secret or secret.casefold() not in wrong  # a report that masks the secret would show it
