"""Who changes accounts stands in the audit, and no secret does."""

from onceflow.engine import calls

from ...play import Play
from .accounts import PASSWORD, digest


def test_each_change_of_an_account_is_in_the_audit(play: Play) -> None:
    calls.create_api_key(play.conn, "ci", digest("1"), "starter")
    calls.revoke_api_key(play.conn, "ci")
    calls.revoke_api_key(play.conn, "ci")  # it was already
    calls.create_person(play.conn, "ann", "viewer", PASSWORD)
    calls.change_person(play.conn, "ANN", "admin", "$argon2id$new")
    calls.change_person(play.conn, "nobody", "admin")
    for role in ("viewer", "viewer", "operator"):
        calls.admit_subject(play.conn, "https://id#7", "bob", role)
    told = play.rows(
        "select verb, target, before ->> 'role', after from onceflow.audit order by id"
    )
    assert told == [
        ("create_api_key", "ci", None, {"role": "starter", "expires_at": None}),
        ("revoke_api_key", "ci", None, None),
        ("create_person", "ann", None, {"role": "viewer"}),
        ("change_person", "ann", "viewer", {"role": "admin", "password": "another"}),
        ("admit_subject", "bob", None, {"role": "viewer", "subject": "https://id#7"}),
        ("admit_subject", "https://id#7", None, {"role": "operator"}),
    ]
    assert "argon2" not in str(play.rows("select * from onceflow.audit"))
