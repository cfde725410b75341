"""A step that fails for good, with an error of the workflow's own."""

from collections.abc import Iterator
from typing import Any

from ...json_text import Json
from ..expressions.trees import Compiled
from ..source.document import Faults
from . import checks
from .members import Key, Members, later
from .retry import ERROR_CODE
from .step import FAILURE, HEAD, NOT_YET, ORDER, Lowered, Row, Step, config, reads

CODE = ERROR_CODE.replace(r"\*?", "")


def _code(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str) and "$" in value:
        return value
    return checks.matching(CODE, "an error code such as order.too_old")(value, pointer, faults)


ERROR = Members(
    "an error",
    {
        "code": Key(
            _code, {"type": "string"}, "The error's code, by which others name it.", required=True
        ),
        "message": Key(checks.text, {"type": "string"}, "What went wrong, in words."),
        "detail": Key(checks.expression, {}, "More about it, of any form."),
    },
    {},
)


def _error(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    sound = ERROR.read(value, pointer, faults)
    return None if sound is None else checks.expression(value, pointer, faults)


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "fail": Key(
            _error,
            ERROR.schema(),
            "The error that the step fails with, for good; texts in it may be expressions.",
            required=True,
        ),
        **ORDER,
        **FAILURE,
    },
    later(*NOT_YET),
)


class Fail(Step, frozen=True, kw_only=True, tag="fail"):
    """A step of the kind `fail`."""

    error: Compiled

    @classmethod
    def own(cls, members: dict[str, Any]) -> dict[str, Any]:
        """Return its error."""
        return {"error": members.get("fail", Compiled({"v": {}}))}

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its error."""
        yield from super().expressions()
        yield self.error

    def lower(self, joins: int, positions: dict[str, int]) -> Lowered:
        """Return its row."""
        given = config(self.error, self.when)
        spec = {
            "with": self.error.tree,
            "reads": reads(positions, self.error, self.when),
            "position": self.position,
            **({"config": given} if given else {}),
            **self.policy(),
        }
        return Lowered([Row(self.id, "fail", joins, spec)], [])
