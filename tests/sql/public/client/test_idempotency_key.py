"""idempotency_key"""

from uuid import UUID

from ...play import Play


def test_a_tasks_key_is_its_instance_and_its_name(play: Play) -> None:
    instance = UUID("0190b5a3-0000-7000-8000-000000000001")
    key = play.value("select onceflow.idempotency_key(%s, 'render/17')", instance)
    assert key == f"{instance}/render/17"
