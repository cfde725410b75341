"""create_person"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument, Refused

from ...play import Play
from .accounts import PASSWORD


def test_names_that_differ_in_case_alone_are_one(play: Play) -> None:
    calls.create_person(play.conn, "ann", "viewer", PASSWORD)
    with pytest.raises(Refused, match="there is a person Ann already"):
        calls.create_person(play.conn, "Ann", "viewer", PASSWORD)


def test_a_password_itself_is_refused(play: Play) -> None:
    for wrong in ("secret", "$argon2i$1", ""):
        with pytest.raises(BadArgument, match="as argon2id has it") as refused:
            calls.create_person(play.conn, "ann", "viewer", wrong)
        assert not wrong or wrong not in str(refused.value)
    with pytest.raises(BadArgument, match="there is no role"):
        calls.create_person(play.conn, "ann", "root", PASSWORD)
