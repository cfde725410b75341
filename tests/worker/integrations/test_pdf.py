"""pdf.render: the file is there whole, the same in every attempt, and says what the data say."""

import json
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from onceflow.worker import PermanentError, RetryableError, registry
from onceflow.worker.integrations.pdf import file_name, write_pdf

from .support import ID, context

TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
#set text(font: "Libertinus Serif")
= #data.title
#data.lines.join(", ")
"""


DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
TIFINAGH = "\u2d30\u2d63"
"""Which DejaVu Sans has, and Typst's own fonts have not."""


def render(**given: Any) -> dict[str, Any]:
    handler = registry.find("pdf.render")
    assert handler is not None
    return handler.call(json.dumps(given), context())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "list.typ").write_text(TEMPLATE)
    monkeypatch.setenv("ONCEFLOW_TEMPLATES", str(templates))
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path / "data"))
    return tmp_path


def test_a_template_becomes_a_pdf_named_after_the_key(folder: Path) -> None:
    data = {"title": "Zażółć gęślą jaźń", "lines": ["λόγος", "мир", "1.50"]}
    output = render(template="list.typ", data=data)
    path = Path(output["path"])
    assert path == folder / "data" / "pdf" / f"{ID}_send.pdf"
    text = PdfReader(path).pages[0].extract_text()
    for words in ("Zażółć gęślą jaźń", "λόγος", "мир", "1.50"):
        assert words in text
    first = path.read_bytes()
    assert output["bytes"] == len(first)
    assert render(template="list.typ", data=data) == output
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "template",
    [
        "none.typ",
        "../outside.typ",
        "/etc/passwd",
        ".",
        "",
        "a\0.typ",
        "x" * 300,
        "way/outside.typ",
        ".onceflow/a.typ",
    ],
)
def test_only_files_below_the_folder_are_templates(folder: Path, template: str) -> None:
    (folder / "outside.typ").write_text("outside")
    (folder / "templates" / "way").symlink_to(folder)
    (folder / "templates" / ".onceflow").mkdir()
    (folder / "templates" / ".onceflow" / "a.typ").write_text("data")
    with pytest.raises(PermanentError) as raised:
        render(template=template)
    assert raised.value.code == "pdf.no_template"


def test_data_that_the_template_cannot_print_leave_no_file(folder: Path) -> None:
    with pytest.raises(PermanentError) as raised:
        render(template="list.typ", data={"title": "no lines"})
    assert raised.value.code == "pdf.failed"
    assert "lines" in str(raised.value)
    assert not (folder / "data").exists()


def test_a_file_that_cannot_be_written_now_is_tried_again(folder: Path) -> None:
    (folder / "data").write_text("in the way")
    with pytest.raises(RetryableError) as raised:
        render(template="list.typ", data={"title": "t", "lines": ["a"]})
    assert (raised.value.code, raised.value.unknown) == ("pdf.not_written", False)


def test_no_two_tasks_have_one_file() -> None:
    names = [file_name(f"{ID}/{task}") for task in ("a_b", "a b", "a/b", "ą", "x" * 300, "x" * 301)]
    assert len({*names}) == len(names)
    assert all(len(name) < 200 for name in names)
    assert file_name(f"{ID}/send") == f"{ID}_send.pdf"


def test_tasks_of_ones_own_choose_the_file(folder: Path) -> None:
    target = folder / "out" / "a.pdf"
    source = folder / "templates" / "list.typ"
    content = write_pdf(source, {"title": "t", "lines": ["a"]}, target)
    assert target.read_bytes() == content
    assert content.startswith(b"%PDF")


def test_a_character_that_no_font_has_is_named(folder: Path) -> None:
    data = {"title": "Zoë", "lines": ["中文", "😀", "мир"]}
    with pytest.raises(PermanentError, match=r"中 \(U\+4E2D\), 文 \(U\+6587\)") as caught:
        render(template="list.typ", data=data)
    assert caught.value.code == "pdf.glyphs"
    assert "ONCEFLOW_FONTS" in str(caught.value)
    assert "м" not in str(caught.value)
    assert [*folder.rglob("*.pdf")] == []


def test_what_the_data_have_and_the_page_does_not_show_is_no_matter(folder: Path) -> None:
    render(template="list.typ", data={"title": "Zoë", "lines": [], "note": "中文"})


def test_characters_of_the_template_itself_are_looked_at_too(folder: Path) -> None:
    (folder / "templates" / "list.typ").write_text("= 請求書")
    with pytest.raises(PermanentError, match="請"):
        render(template="list.typ", data=None)


@pytest.mark.skipif(not DEJAVU.is_file(), reason="it takes the font DejaVu Sans (fonts-dejavu)")
def test_fonts_come_from_the_folders_that_the_setting_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: dict[str, Any] = {"title": TIFINAGH, "lines": []}
    with pytest.raises(PermanentError, match=TIFINAGH[0]):
        render(template="list.typ", data=data)
    monkeypatch.setenv("ONCEFLOW_FONTS", f"{folder / 'none'}:{DEJAVU.parent}")
    output = render(template="list.typ", data=data)
    assert TIFINAGH in PdfReader(output["path"]).pages[0].extract_text()
