"""Writes what is where into the README.md of each folder with more than eight files.

A file says in its first lines what it is for; the table between the marks is made of that. Run
``python -m tests.structure.readmes`` after adding a file or changing its first lines.
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANY = 8
"""Files of a folder that need no table."""
BEGIN, END = "<!-- files -->", "<!-- /files -->"
ELSEWHERE = {"src/onceflow", "tests/mutants"}
"""Links to the folders at the top; and patches, which docs/guarantees.md has in order."""


def folders() -> dict[str, list[str]]:
    """Return the names of the files of each folder that needs a table."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    found: dict[str, list[str]] = {}
    for path in map(Path, filter(None, listed)):
        if (ROOT / path).is_file() and path.parent != Path():
            found.setdefault(str(path.parent), []).append(path.name)
    return {
        folder: sorted(set(names) - {"README.md", "__init__.py"})
        for folder, names in found.items()
        if len(names) > MANY and folder not in ELSEWHERE
    }


def what_for(path: Path) -> str:
    """Return the first sentence of a file's first lines; empty where it says nothing."""
    text = path.read_text(encoding="utf-8", errors="replace")
    match path.suffix:
        case ".py":
            said = re.match(r'(?:#![^\n]*\n)?\s*"""(.*?)(?:"""|\n\n)', text, re.DOTALL)
        case ".sql":
            said = re.match(r"(?:-- \w+\(.*\n(?:--   .*\n)*)?((?:-- .*\n)+)", text)
        case ".md":
            said = re.match(r"# (.*)", text)
        case ".html":
            said = re.match(r"\{#-? (.*?) -?#\}", text, re.DOTALL)
        case ".css" | ".js":
            said = re.match(r"/\* (.*?) \*/", text, re.DOTALL)
        case _:
            said = re.match(r"(?:#|//) (.*)", text)
    words = " ".join(re.sub(r"^-- ?", "", said[1] if said else "", flags=re.MULTILINE).split())
    sentence = re.match(r"(.+?)[.:;](?= [A-Z`(]|$)", words)
    return (sentence[1] if sentence else words).rstrip(".:").replace("|", "\\|")


def table(folder: str, names: list[str]) -> str:
    """Return the table of a folder."""
    rows = [f"| [{name}]({name}) | {what_for(ROOT / folder / name)} |" for name in names]
    return "\n".join([BEGIN, "", "| file | what it is for |", "|---|---|", *rows, "", END])


def readme(folder: str, names: list[str]) -> str:
    """Return the README.md of a folder as it ought to be."""
    path = ROOT / folder / "README.md"
    made = table(folder, names)
    if not path.exists():
        init = path.with_name("__init__.py")
        about = what_for(init) if init.exists() else ""
        return f"# {folder}\n\n" + (f"{about}.\n\n" if about else "") + f"{made}\n"
    text = path.read_text(encoding="utf-8")
    if BEGIN in text:
        head, _, rest = text.partition(BEGIN)
        return head + made + rest.partition(END)[2]
    return text if all(name in text for name in names) else f"{text.rstrip()}\n\n{made}\n"


def main() -> None:
    """Write every README.md that is not as it ought to be."""
    for folder, names in folders().items():
        path = ROOT / folder / "README.md"
        text = readme(folder, names)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
