"""Which files tasks may read: those of the allowed folders, and nothing of Onceflow's own."""

import os
from pathlib import Path

import pytest

from onceflow.worker import PermanentError
from onceflow.worker.integrations.files import read_allowed


def read(path: Path | str, limit: int = 100) -> tuple[str, bytes]:
    return read_allowed(str(path), "refused", limit, "too_large")


def refusal(path: Path | str, limit: int = 100) -> str:
    with pytest.raises(PermanentError) as raised:
        read(path, limit)
    assert raised.value.unknown is False
    assert "\0" not in str(raised.value)
    return raised.value.code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    allowed = tmp_path / "files"
    (allowed / "sub").mkdir(parents=True)
    (allowed / "a.txt").write_text("a")
    (tmp_path / "files-too").mkdir()
    (tmp_path / "files-too" / "b.txt").write_text("secret")
    monkeypatch.setenv("ONCEFLOW_FILES", str(allowed))
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path / "data"))
    return allowed


def test_a_file_of_an_allowed_folder_is_read(folder: Path) -> None:
    assert read(folder / "a.txt") == ("a.txt", b"a")
    (folder / "link").symlink_to(folder / "a.txt")
    assert read(folder / "sub" / ".." / "link") == ("a.txt", b"a")


@pytest.mark.parametrize(
    "path",
    [
        "{folder}/../files-too/b.txt",
        "{folder}/sub/../../files-too/b.txt",
        "{folder}-too/b.txt",
        "/etc/passwd",
        "{folder}",
        "{folder}/sub",
        "{folder}/none.txt",
        "{folder}/a.txt/b",
        "{folder}/a\0.txt",
        "",
        "{folder}/" + "x" * 300,
        "{folder}/" + "x/" * 3000,
        "/proc/self/environ",
        "/dev/stdin",
    ],
)
def test_what_is_outside_or_no_ordinary_file_is_refused(folder: Path, path: str) -> None:
    assert refusal(path.format(folder=folder)) == "refused"


def test_links_and_pipes_are_no_way_out(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "files-too" / "b.txt")
    (folder / "way").symlink_to(folder.parent / "files-too")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    for name in ("link", "way/b.txt", "loop", "zero", "pipe"):
        assert refusal(folder / name) == "refused"


def test_a_folder_that_becomes_a_link_meanwhile_is_no_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub" / "b.txt").write_text("b")
    opens = os.open

    def swap(path: Path, flags: int) -> int:
        (folder / "sub").rename(folder / "old")
        (folder / "sub").symlink_to(folder.parent / "files-too")
        return opens(path, flags)

    monkeypatch.setattr(os, "open", swap)
    assert refusal(folder / "sub" / "b.txt") == "refused"


def test_a_file_has_no_more_bytes_than_it_may(folder: Path) -> None:
    with (folder / "large").open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(folder / "large") == "too_large"


def test_of_the_data_of_onceflow_only_the_pdfs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / ".onceflow"
    (data / "pdf").mkdir(parents=True)
    for name in ("dev.env", "pdf/a.pdf"):
        (data / name).write_text(name)
    monkeypatch.setenv("ONCEFLOW_DATA", str(data))
    for files in ("", str(tmp_path), str(data), "/"):
        monkeypatch.setenv("ONCEFLOW_FILES", files)
        assert refusal(data / "dev.env") == "refused"
    monkeypatch.setenv("ONCEFLOW_FILES", "")
    assert read(data / "pdf" / "a.pdf") == ("a.pdf", b"pdf/a.pdf")
    monkeypatch.setenv("ONCEFLOW_FILES", f"{tmp_path}{os.pathsep}{data / 'pdf'}")
    assert read(data / "pdf" / "a.pdf") == ("a.pdf", b"pdf/a.pdf")
    monkeypatch.setenv("ONCEFLOW_DATA", str(tmp_path / "elsewhere"))
    assert refusal(data / "dev.env") == "refused", "the data of another deployment"
