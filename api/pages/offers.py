"""What a page offers: the forms whose decision its visitor may make, each made for him.

No template has to think of it: each form that posts is wrapped as the template is read.
"""

import re
from typing import Final

from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup

from .. import root
from ..accounts.admission import FORM_FIELD, least_of
from ..accounts.visitor import ANYBODY, current

FORM: Final = re.compile(
    r'<form(?P<before>[^>]*?) method="post"(?P<more>[^>]*?)'
    r' action="(?P<action>(?:{{.*?}}|[^"{])*)"(?P<rest>[^>]*)>'
    r"(?P<inside>.*?)</form>",
    re.DOTALL,
)
WRAPPED: Final = (
    r"{% set form_action %}\g<action>{% endset %}{% if offers(form_action) %}"
    r'<form\g<before> method="post"\g<more> action="{{ form_action }}"\g<rest>>{{ form_token() }}'
    r"\g<inside></form>{% endif %}"
)


class Forms(Extension):
    """Leaves out a form that its visitor may not send, and has the others say for whom they are."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(offers=offers, form_token=form_token)  # pyright: ignore

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return a template in which each form that posts is wrapped; no line of it moves."""
        return FORM.sub(WRAPPED, source)


def offers(action: str) -> bool:
    """Whether the visitor may do what a form does."""
    if current() is ANYBODY:
        return True
    from . import PAGES  # here: they are made of what renders them

    path = root.below(root.current(), str(action))
    for route in PAGES:
        found = route.path_regex.match(path)
        if found and "POST" in (route.methods or ()):
            role = least_of(route.roles, found.groupdict())
            return role is None or current().may(role)
    return True


def form_token() -> str:
    """Return the hidden field by which a form says for whom it was made."""
    token = current().form_token
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(FORM_FIELD, token) if token else ""
