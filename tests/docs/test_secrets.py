"""docs/secrets.md: its definition works, and needs what the page says."""

import re
from pathlib import Path

from onceflow.engine.definition import check_definition, parse

PAGE = (Path(__file__).parents[2] / "docs" / "secrets.md").read_text(encoding="utf-8")


def test_the_definition_needs_what_the_page_says() -> None:
    (definition,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.S | re.M)
    needs = check_definition(parse(definition, "yaml")).needs()
    said = re.findall(r"^  (config|secret)  (\w+)  ", PAGE, re.M)
    assert needs == said
    assert len(needs) == 4
