"""Where the secrets of a worker come from, and what is no secret."""

import os
from pathlib import Path

import pytest

from onceflow.engine.errors import SettingsError
from onceflow.engine.secrets import LIMIT, SecretMissing, Secrets
from onceflow.engine.settings import Settings, load_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "secrets"
    place.mkdir()
    return place


def missing(secrets: Secrets, name: str) -> str:
    with pytest.raises(SecretMissing) as raised:
        secrets.read(name)
    return str(raised.value)


def test_a_file_is_read_anew_and_wins_over_a_variable(folder: Path) -> None:
    secrets = Secrets(folder, {"TOKEN": "of the environment"})
    assert secrets.read("TOKEN") == "of the environment"
    (folder / "TOKEN").write_text("of the file\n")
    assert secrets.read("TOKEN") == "of the file"
    (folder / "TOKEN").write_text("a newer one\n\n")
    assert secrets.read("TOKEN") == "a newer one\n", "one line end is the editor's"


def test_a_file_may_be_a_link_as_they_are_mounted(folder: Path) -> None:
    (folder / "..data").mkdir()
    (folder / "..data" / "TOKEN").write_text("linked to")
    (folder / "TOKEN").symlink_to("..data/TOKEN")
    assert Secrets(folder, {}).read("TOKEN") == "linked to"
    assert Secrets(folder, {}).names() == ["TOKEN"]


def test_who_lacks_one_is_told_how_it_gets_there(folder: Path) -> None:
    told = missing(Secrets(folder, {"TOKEN": " "}), "TOKEN")
    assert told.startswith("there is no secret TOKEN: put a file TOKEN into the worker's ONCEFLOW_")
    assert "set ONCEFLOW_SECRET_TOKEN and restart it" in told
    assert "there is no secret TOKEN" in missing(Secrets(None, {}), "TOKEN")
    assert "there is no secret TOKEN" in missing(Secrets(folder / "nowhere", {}), "TOKEN")


def test_what_is_no_secret_is_told_and_never_waited_for(folder: Path) -> None:
    secrets = Secrets(folder, {"PIPE": "not taken in its stead"})
    os.mkfifo(folder / "PIPE")
    (folder / "FOLDER").mkdir()
    (folder / "EMPTY").write_text("\n")
    (folder / "BINARY").write_bytes(b"\xff\xfe")
    (folder / "LARGE").write_text("x" * (LIMIT + 1))
    reasons = {
        "PIPE": "it is no file",
        "FOLDER": "it is no file",
        "EMPTY": "it is empty",
        "BINARY": "it is not UTF-8",
        "LARGE": f"it has more than {LIMIT} bytes",
    }
    for name, reason in reasons.items():
        assert missing(secrets, name).endswith(reason)


@pytest.mark.parametrize(
    "name",
    ["../outside", "..", "/etc/passwd", "a/b", "", "a\0b", "ä", "x" * 65],
    ids=["up", "above", "root", "below", "none", "nul", "letter", "long"],
)
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder.parent / "outside").write_text("not to be had")
    (folder / "a").mkdir()
    (folder / "a" / "b").write_text("not to be had")
    assert "is no name of a secret" in missing(Secrets(folder, {name: "nor this"}), name)


def test_names_are_told_and_values_never(folder: Path) -> None:
    (folder / "B").write_text("b-secret")
    (folder / "no-name").write_text("x")
    (folder / "EMPTY").touch()
    secrets = Secrets(folder, {"A": "a-secret", "NONE": ""})
    assert secrets.names() == ["A", "B"]
    settings = Settings(secrets_dir=folder, secret_variables={"A": "a-secret"})
    assert "a-secret" not in repr(settings)


def test_settings_bring_them_and_hand_them_to_a_child() -> None:
    env = {
        "ONCEFLOW_SECRETS_DIR": "/run/secrets",
        "ONCEFLOW_SECRET_TOKEN": "t0p-secret",
        "ONCEFLOW_SECRET_EMPTY": "",
    }
    settings = load_settings(env)
    assert settings.secrets == Secrets(Path("/run/secrets"), {"TOKEN": "t0p-secret"})
    assert load_settings(settings.environment()) == settings
    assert load_settings({}).secrets == Secrets(None, {})
    with pytest.raises(SettingsError, match="ONCEFLOW_SECRET_MY-TOKEN names no secret"):
        load_settings({"ONCEFLOW_SECRET_MY-TOKEN": "x"})
