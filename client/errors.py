"""What the clients raise besides the errors of ``engine.errors``, which are the same everywhere."""

from collections.abc import Sequence

from ..engine.errors import BadArgument, Fault, OnceflowError
from .model import Instance


class WrongInput(BadArgument):
    """The input does not fit the workflow; ``faults`` lists all that is wrong, each with its place.

    A place is a JSON pointer: ``/input/total``, or ``/key`` and ``/id`` for these.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__(f"nothing was started: {'; '.join(map(str, faults))}")


class Ended(OnceflowError):
    """The instance ended otherwise than SUCCEEDED; ``instance`` is it, with its error."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        error = instance.error or {}
        said = f": {error.get('code')}: {error.get('message')}" if error else ""
        super().__init__(
            f"instance {instance.id} of {instance.workflow} is {instance.status}{said}"
        )


class Denied(OnceflowError):
    """The API does not know who asks, or the role of his account does not suffice."""


class NotEnded(OnceflowError):
    """The instance has not ended in the time given; ``instance`` is it, as it stands."""

    def __init__(self, instance: Instance, seconds: float) -> None:
        self.instance = instance
        held = {None: "", "dead_letter": ", with an open dead letter"}.get(
            instance.suspended_by, f", suspended by {instance.suspended_by}"
        )
        super().__init__(
            f"instance {instance.id} of {instance.workflow} has not ended within {seconds:g} s: "
            f"it is {instance.status}{held}",
            hint="explain() says why",
        )
