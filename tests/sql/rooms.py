"""What stands in which room of sql/: the functions and views, and who may call or read them."""

import re

import onceflow.sql

FUNCTIONS = {path.stem: path for path in onceflow.sql.functions()}
VIEWS = {path.stem: path for path in onceflow.sql.views()}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FUNCTIONS.items()}

_SCHEMA = (onceflow.sql.FOLDER / "migrations" / "0001-schema.sql").read_text(encoding="utf-8")
OF_CHECKS = {
    name: text
    for text, name in re.findall(
        r"^(create function onceflow\.(\w+)\(.*?^end \$\$;)$", _SCHEMA, re.M | re.DOTALL
    )
}
"""What checks of tables call: a function of these stands with its table."""

PUBLIC = sorted(
    name
    for name, path in FUNCTIONS.items()
    if path.relative_to(onceflow.sql.FOLDER).parts[0] == "public"
)
"""The interface: what is in core/ is called by these alone."""

INCLUDES = {"operator": {"client", "accounts"}}
"""Whose rooms a kind of caller may enter besides its own."""


def header(text: str) -> str:
    """Return the comment that a file begins with."""
    lines = text.splitlines()
    return "\n".join(lines[: next(n for n, line in enumerate(lines) if line[:2] != "--")])


def callers(name: str) -> set[str]:
    """Return who may call a public function: whose room it is in, and whom its header adds."""
    also = re.findall(r"^-- Also for: (.*)\.$", header(TEXTS[name]), re.MULTILINE)
    room = FUNCTIONS[name].relative_to(onceflow.sql.FOLDER).parts[1]
    return {room, *", ".join(also).split(", ")} - {""}


def readers(name: str) -> set[str]:
    """Return who may read a view: of the public ones clients and operators, and whom it adds, or
    for whom alone it says that it is.
    """
    if "public" not in {parent.name for parent in VIEWS[name].parents[1:3]}:
        return set()
    text = VIEWS[name].read_text(encoding="utf-8")
    if only := re.findall(r"^-- Only for: (.*)\.$", text, re.M):
        return set(only)
    also = re.findall(r"^-- Also for: (.*)\.$", text, re.M)
    return {"client", "operator", *", ".join(also).split(", ")} - {""}


def open_to(kind: str) -> set[str]:
    """Return the functions that a kind of caller may call."""
    kinds = {kind} | INCLUDES.get(kind, set())
    return {name for name in PUBLIC if callers(name) & kinds}
