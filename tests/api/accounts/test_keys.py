"""Keys: wrong, expired, revoked, guessed; and what is told of them."""

from datetime import UTC, datetime, timedelta

import pytest

from onceflow.api.accounts import admission
from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of, make_key

from .conftest import House


def asked(house: House, authorization: str) -> tuple[int, str]:
    answer = house.client.get("/workflows", headers={"Authorization": authorization})
    return answer.status_code, answer.text


# guarantee: key-state-unasked
def test_a_wrong_an_expired_and_a_revoked_key_are_answered_alike(house: House) -> None:
    revoked, expired = make_key(), make_key()
    soon = datetime.now(UTC) + timedelta(hours=1)
    calls.create_api_key(house.conn, "revoked", digest_of(revoked), "admin")
    calls.create_api_key(house.conn, "expired", digest_of(expired), "admin", soon)
    assert asked(house, f"Bearer {expired}")[0] == 200
    assert asked(house, f"Bearer {revoked}")[0] == 200
    calls.revoke_api_key(house.conn, "revoked")
    house.conn.execute("update onceflow.api_key set expires_at = now() where name = 'expired'")
    wrong = [make_key(), revoked, expired, "", "ofk_", "x" * 5000, house.keys["admin"][:-1]]
    answers = {asked(house, f"Bearer {key}") for key in wrong}
    assert len(answers) == 1
    ((status, text),) = answers
    assert status == 401
    assert "The key is not valid" in text


@pytest.mark.parametrize("key", ["wrong", "revoked"])
def test_each_key_that_is_asked_for_costs_one_look(
    house: House, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not there is looked for as what is: the time tells nothing."""
    looks: list[bytes] = []
    real = calls.use_api_key

    def look(conn: admission.calls.base.Connection, digest: bytes) -> calls.UsedKey | None:
        looks.append(digest)
        return real(conn, digest)

    monkeypatch.setattr(admission.calls, "use_api_key", look)
    assert asked(house, f"Bearer {key}")[0] == 401
    assert looks == [digest_of(key)]


def test_what_was_refused_is_logged_without_the_key(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    key = make_key()
    assert asked(house, f"Bearer {key}")[0] == 401
    (line,) = [line for line in caplog.messages if line.startswith("refused")]
    assert line == "refused: GET /workflows from testclient: a key that is nobody's"
    assert key not in caplog.text


def test_a_proxys_own_credentials_are_none_of_ours(house: House) -> None:
    """A key comes as Bearer; beside what a proxy asked for, a session counts."""
    both = house.browser("viewer") | {"Authorization": "Basic dXNlcjpwYXNz"}
    assert house.client.get("/workflows", headers=both).status_code == 200
    assert asked(house, "Basic dXNlcjpwYXNz")[0] == 401


def test_a_wrong_key_is_not_mended_by_a_session(house: House) -> None:
    both = house.browser("admin") | {"Authorization": f"Bearer {make_key()}"}
    assert house.client.get("/workflows", headers=both).status_code == 401


def test_readiness_tells_names_to_those_alone_who_are_known(house: House) -> None:
    house.conn.execute("update onceflow.clock set last_tick_at = null")
    strangers = house.client.get("/health/ready")
    wrong = house.client.get("/health/ready", headers={"Authorization": "Bearer x"})
    known = house.client.get("/health/ready", headers=house.key("viewer"))
    assert [a.status_code for a in (strangers, wrong, known)] == [200] * 3
    assert strangers.json() == wrong.json() == {"status": "ok"}
    assert any("relay" in one for one in known.json()["warnings"])
