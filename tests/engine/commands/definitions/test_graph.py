"""``onceflow graph``: a workflow drawn as Mermaid and as SVG, from files and from the database."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ..conftest import Onceflow

TRIP = """
name: trip
steps:
  - {id: quote, task: trip.quote, description: "what it <costs>"}
  - id: book
    when: $.steps.quote.output.price < 100
    parallel:
      room: [{id: hotel, task: hotel.book, compensate: {task: hotel.cancel}}]
      fly:
        - {id: seat, task: flight.book}
        - {id: meal, set: "a \\" b"}
  - {id: mail, task: smtp.send}
"""
MERMAID = """\
---
title: trip
---
flowchart TD
  s0["<b>quote</b><br>task trip.quote"]
  subgraph s1 ["<b>book</b><br>parallel<br>when $.steps.quote.output.price #60; 100"]
    subgraph s1_0 ["room"]
      s3["<b>hotel</b><br>task hotel.book<br>undone by hotel.cancel"]
    end
    subgraph s1_1 ["fly"]
      s4["<b>seat</b><br>task flight.book"]
      s5["<b>meal</b><br>set a #34; b"]
      s4 --> s5
    end
  end
  s2["<b>mail</b><br>task smtp.send"]
  s0 --> s1
  s1 --> s2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "trip.yaml"
    place.write_text(TRIP)
    return place


def test_a_file_is_drawn_with_its_blocks(onceflow: Onceflow, file: Path) -> None:
    done = onceflow("graph", file)
    assert (done.code, done.out) == (0, MERMAID)


def test_a_version_is_drawn_by_name_with_its_branches_as_written(
    onceflow: Onceflow, file: Path
) -> None:
    onceflow("deploy", file)
    file.write_text("name: trip\nsteps: [{id: only, task: t}]\n")
    onceflow("deploy", file)
    assert "<b>only</b>" in onceflow("graph", "trip").out
    assert onceflow("graph", "trip", "--version", 1).out == MERMAID
    assert "there is no version 3" in onceflow("graph", "trip", "--version", 3).err
    assert "there is no workflow tirp" in onceflow("graph", "tirp").err


def test_an_svg_says_the_same_and_holds_no_script_or_style(onceflow: Onceflow, file: Path) -> None:
    picture = ElementTree.fromstring(onceflow("graph", file, "--format", "svg").out)  # noqa: S314
    texts = [part.text for part in picture.iter() if part.tag.endswith("}text")]
    told = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), MERMAID)
    assert {*texts} == {*re.findall(r"(?:<b>|<br>|_\d \[\")(.+?)(?=</b>|<br>|\"\])", told)}
    titles = [part.text for part in picture.iter() if part.tag.endswith("}title")]
    assert titles == ["trip", "what it <costs>"]
    names = {name for part in picture.iter() for name in (part.tag, *part.attrib)}
    assert not [name for name in names if name.endswith(("script", "style", "href", "class"))]


def test_a_faulty_file_is_told_as_elsewhere(onceflow: Onceflow, file: Path) -> None:
    file.write_text("name: a\nsteps: []\n")
    done = onceflow("graph", file)
    assert (done.code, done.out) == (1, "")
    assert f"{file}:2:8: /steps: must be a list" in done.err
