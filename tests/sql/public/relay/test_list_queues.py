"""list_queues"""

from onceflow.engine import calls

from ...play import Play, Worker
from ...workflows import Step, workflow


def test_every_queue_that_a_definition_or_a_worker_names_is_listed_once(play: Play) -> None:
    play.deploy(workflow(Step("a", queue="mail"), Step("b", queue="pdf")))
    Worker(play.conn, queues=["gpu", "mail"])
    assert calls.list_queues(play.conn) == ["default", "gpu", "mail", "pdf"]


def test_before_anybody_names_one_there_is_none(play: Play) -> None:
    play.conn.execute("delete from onceflow.queue")
    assert calls.list_queues(play.conn) == []
