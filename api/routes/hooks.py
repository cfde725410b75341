"""/hooks: what other services send."""

from typing import Final

from ..hooks.receiving import Delivered, receive
from ..operation import JSON, Delivery, Operation
from ..requests import FORM

OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/hooks/{workflow}/{trigger}",
        name="receiveWebhook",
        role=None,
        tag="triggers",
        summary="Deliver to a webhook",
        description="For other services. The request is signed as the webhook's entry in `on` "
        "says, else it is answered with 401. Its key makes repeats of a delivery one instance, "
        "whose id each is answered with; where the entry's `when` is false nothing is started.",
        handler=receive,
        body=Delivery,
        body_required=False,
        media_types=(JSON, FORM),
        problems=(401,),
        answers={202: Delivered, 200: Delivered},
    ),
]
