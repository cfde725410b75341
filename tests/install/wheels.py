"""Wheels of what is installed here, made without a network: each package zipped as it lies."""

import importlib.metadata
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NOT_IN_A_WHEEL = {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}


def closure(requirements: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """Return the installed distributions that these requirements bring, each once."""
    found: dict[str, importlib.metadata.Distribution] = {}
    left = [(Requirement(text), "") for text in requirements]
    done: set[tuple[str, str]] = set()
    while left:
        requirement, extra = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in done:
                continue
            done.add((name, wanted))
            found[name] = importlib.metadata.distribution(name)
            left += [(Requirement(text), wanted) for text in found[name].requires or ()]
    return list(found.values())


def pack(distribution: importlib.metadata.Distribution, folder: Path) -> None:
    """Write a wheel of an installed distribution into ``folder``."""
    tags = [
        line.removeprefix("Tag: ").split("-")
        for line in (distribution.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    ]
    tag = "-".join(".".join(sorted({parts[n] for parts in tags})) for n in range(3))
    name = canonicalize_name(distribution.name).replace("-", "_")
    with zipfile.ZipFile(folder / f"{name}-{distribution.version}-{tag}.whl", "w") as wheel:
        for file in distribution.files or ():
            path = Path(str(file.locate()))
            inside = ".." not in file.parts and "__pycache__" not in file.parts
            if inside and file.name not in NOT_IN_A_WHEEL and path.exists():
                wheel.write(path, str(file))
