"""admit_subject"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument

from ...play import Play
from .accounts import PASSWORD


def test_one_subject_is_one_person_with_the_role_that_was_told_last(play: Play) -> None:
    assert calls.admit_subject(play.conn, "https://id#7", "bob", "viewer") == "bob"
    assert calls.admit_subject(play.conn, "https://id#7", "robert", "operator") == "bob"
    (bob,) = calls.list_people(play.conn)
    assert (bob.name, bob.role, bob.subject) == ("bob", "operator", "https://id#7")


def test_a_name_that_another_has_gives_no_rights_of_his(play: Play) -> None:
    calls.create_person(play.conn, "ann", "admin", PASSWORD)
    assert calls.admit_subject(play.conn, "https://id#7", "Ann", "viewer") == "Ann.2"
    assert calls.admit_subject(play.conn, "https://id#8", "ann", "viewer") == "ann.3"
    assert [(one.name, one.role) for one in calls.list_people(play.conn)] == [
        ("Ann.2", "viewer"),
        ("ann", "admin"),
        ("ann.3", "viewer"),
    ]


def test_who_is_disabled_is_not_admitted_nor_changed(play: Play) -> None:
    calls.admit_subject(play.conn, "https://id#7", "bob", "viewer")
    calls.change_person(play.conn, "bob", disabled=True)
    assert calls.admit_subject(play.conn, "https://id#7", "bob", "admin") is None
    assert [one.role for one in calls.list_people(play.conn)] == ["viewer"]


def test_what_is_no_name_or_role_is_refused(play: Play) -> None:
    for name, role in (("a b", "viewer"), ("bob", "root")):
        with pytest.raises(BadArgument):
            calls.admit_subject(play.conn, "https://id#7", name, role)
