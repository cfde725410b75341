"""What README and docs/ name is there: commands, settings, endpoints, SQL, imports, links."""

import argparse
import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from onceflow.api.routes import OPERATIONS
from onceflow.engine.commands import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
CODE = [
    path
    for room in ("engine", "worker", "api", "relay", "client")
    for path in (ROOT / room).rglob("*.py")
]
THEIRS = {"ONCEFLOW_URL"}
"""Variables of examples, which are the reader's own."""
OF_TESTS = {"ONCEFLOW_FAILPOINT"}
SETTING = re.compile(r"\bONCEFLOW_[A-Z_]*[A-Z]\b")


def code_of(text: str) -> Iterator[str]:
    """Return what stands in code: lines of blocks, and what is between backticks."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    for block in blocks:
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands() -> list[tuple[str, str]]:
    """Return each `onceflow …` of the pages, with its page."""
    found = [
        (page, command.strip())
        for page, text in TEXTS.items()
        for line in code_of(text)
        for command in re.findall(r"(?:^|[\s(])onceflow ([a-z][^|&;#\n]*)", line)
        if not line.startswith(("from ", "import ", "--"))
    ]
    assert len(found) > 40
    return sorted(set(found))


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_and_option_is_there(page: str, command: str) -> None:
    name, *words = re.sub(r"[\[\],…]", " ", command).split()
    assert name in cli.COMMANDS, f"{page}: there is no `onceflow {name}`"
    parser = argparse.ArgumentParser()
    importlib.import_module(f"onceflow.{cli.COMMANDS[name].module}").add_arguments(parser)
    actions: list[Any] = parser._actions
    below = next((one for one in actions if isinstance(one.choices, dict)), None)
    if below is not None and words:
        assert words[0] in below.choices, f"{page}: there is no `onceflow {name} {words[0]}`"
        actions = actions + below.choices[words[0]]._actions
    known = {option for action in actions for option in action.option_strings}
    options = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert options <= known, f"{page}: `onceflow {command}`"


def test_every_setting_is_one_and_every_one_is_told() -> None:
    read = {name for path in CODE for name in SETTING.findall(path.read_text(encoding="utf-8"))}
    compose = set(SETTING.findall((ROOT / "compose.yaml").read_text()))
    told = {name for text in TEXTS.values() for name in SETTING.findall(text)}
    wrong = {
        name
        for name in told - read - compose - THEIRS
        if not name.startswith(("ONCEFLOW_KAFKA_", "ONCEFLOW_SECRET_", "ONCEFLOW_TEST_"))
    }
    assert wrong == set()
    table = re.findall(r"^\| (`ONCEFLOW_.*?) \|", TEXTS["docs/operations.md"], re.MULTILINE)
    listed = {name for cell in table for name in SETTING.findall(cell)}
    quiet = {name for name in read - listed - OF_TESTS if not name.startswith("ONCEFLOW_KAFKA_")}
    assert quiet == set(), "settings that the table of docs/operations.md lacks"


def test_every_setting_that_concerns_all_is_in_the_help() -> None:
    told = set(SETTING.findall(cli.ENVIRONMENT))
    settings = (ROOT / "engine" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"(ONCEFLOW_[A-Z_]*[A-Z])"', settings))
    assert read - told == set()


def endpoint(method: str, path: str) -> str:
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


def test_every_endpoint_is_there_and_every_one_is_told() -> None:
    there = {endpoint(one.method, one.path) for one in OPERATIONS}
    told: set[str] = set()
    for page, text in TEXTS.items():
        for line in text.splitlines():
            for method, path, more in re.findall(
                r"`(GET|POST|PUT|DELETE) (/[^`\s?]*)[^`]*`((?: `/[a-z-]+`)*)", line
            ):
                paths = [path, *(path.rpartition("/")[0] + x for x in re.findall(r"/[\w-]+", more))]
                found = {endpoint(method, one) for one in paths}
                assert found <= there, f"{page}: {line}"
                told |= found
    shown = re.findall(r'curl [^\n]*"\$api(/[^"?]*)', TEXTS["docs/api.md"])
    for path in (re.sub(r"\$\w+", "{}", one) for one in shown):
        named = re.sub(r"/workflows/order\b", "/workflows/{}", path)
        told |= {one for one in there if one.partition(" ")[2] == named}
    assert there - told == set(), "operations that docs/api.md does not tell of"


def test_every_function_and_view_is_there(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute(
        "select proname from pg_proc where pronamespace = 'onceflow'::regnamespace"
        " union select relname from pg_class where relnamespace = 'onceflow'::regnamespace"
    ).fetchall()
    there = {name for (name,) in rows}
    settings = {"late", "actor", "address"}
    packages = {path.name for path in (ROOT / "src" / "onceflow").iterdir()}
    packages |= {path.stem for path in (ROOT / "src" / "onceflow").iterdir()}
    wrong = [
        f"{page}: {name}"
        for page, text in TEXTS.items()
        for name in re.findall(r"(?<![\w./-])onceflow\.([a-z_]+)\b", text)
        if name not in there | settings | packages | {"sleepers", "example", "yaml", "done"}
    ]
    assert wrong == []


def imports() -> list[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for page, text in TEXTS.items():
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("onceflow"):
                    found |= {(page, str(node.module), alias.name) for alias in node.names}
        for module, names in re.findall(r"`from (onceflow[\w.]*) import ([\w, ]+)`", text):
            found |= {(page, module, name) for name in names.split(", ")}
    return sorted(found)


@pytest.mark.parametrize(("page", "module", "name"), imports())
def test_every_import_works(page: str, module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name), page


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as they are made of their words."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", sorted(TEXTS))
def test_every_link_leads_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found.read_text(encoding="utf-8")), target


def test_the_services_that_the_readme_names_are_those_of_compose() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert {"postgres", "redpanda", "migrate", "api", "relay", "worker"} <= set(services)
