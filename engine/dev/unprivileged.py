"""Where a server may keep its files when it cannot run as root and we are root.

Postgres refuses root. Its process then runs as another user, who can reach neither /root nor a
clone under it. What is out of that user's reach is kept in /var/lib/onceflow instead (binaries
copied, data directories by a name made from the path that was asked for).
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from ..errors import ServerError

ELSEWHERE = (Path("/var/lib/onceflow"), Path("/var/tmp/onceflow"))  # noqa: S108  see _elsewhere


def server_user() -> str:
    """Return the user to run a server as: empty (our own) unless we are root."""
    if os.geteuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ServerError(
        "Postgres cannot run as root, and there is neither a user 'postgres' nor 'nobody'",
        hint="run as an ordinary user, or name a server in ONCEFLOW_DSN",
    )


def run_as(user: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a short command as ``user`` (empty: our own) and return its end and output."""
    account = pwd.getpwnam(user) if user else None
    # A file, not a pipe: what the command leaves running may keep its output open.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                check=False,
            )
        except OSError as error:  # not there, or not for this user
            return subprocess.CompletedProcess(argv, 127, str(error))
        output.seek(0)
        return subprocess.CompletedProcess(argv, done.returncode, output.read())


def can_reach(user: str, folder: Path) -> bool:
    """Tell whether ``user`` can enter ``folder``."""
    return (
        not user or run_as(user, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]).returncode == 0
    )


def readable_copy(user: str, folders: list[Path], program: Path, name: str) -> Path:
    """Return where ``user`` can run a program out of ``folders``, which lie side by side.

    That is the folder they lie in, or one called ``name`` with copies of them. ``program`` is one
    by which to try, inside the first folder.
    """
    if not user or run_as(user, [str(folders[0] / program), "--version"]).returncode == 0:
        return folders[0].parent
    copy = _elsewhere() / name
    if not copy.exists():
        parts = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=copy.parent))
        try:
            for folder in folders:
                shutil.copytree(folder, parts / folder.name)
            for path in (parts, *parts.rglob("*")):
                # What the owner may read and run, all may: the wheel is no secret.
                mode = path.stat().st_mode
                path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
            parts.rename(copy)
        except OSError:
            shutil.rmtree(parts, ignore_errors=True)
            if not copy.exists():  # else another process was faster
                raise
    return copy


def data_folder(user: str, wanted: Path) -> Path:
    """Return where the data that is to lie in ``wanted`` can lie so that ``user`` reaches it.

    That is ``wanted`` itself where possible; the folder above it is made. Elsewhere a file beside
    it, ``NAME.location``, tells where. The data folder itself is not made.
    """
    wanted = wanted.absolute()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if can_reach(user, wanted.parent):
        return wanted
    place = location(wanted)
    note = wanted.with_name(wanted.name + ".location")
    note.write_text(f"{place}\n", encoding="utf-8")
    return place


def location(wanted: Path) -> Path:
    """Return the folder that stands for ``wanted`` where that cannot be reached."""
    digest = hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:16]
    return _elsewhere() / f"{wanted.name}-{digest}"


def give_to(user: str, folder: Path) -> None:
    """Make ``folder`` private to ``user``."""
    folder.chmod(0o700)
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)


def _elsewhere() -> Path:
    """Return a folder that only root can write to and all can enter."""
    reasons: list[str] = []
    for folder in ELSEWHERE:
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
            found = folder.lstat()
            # In /var/tmp somebody else may have made it before us.
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
                reasons.append(f"{folder} is not a folder that only root can write to")
                continue
            folder.chmod(0o755)
        except OSError as error:
            reasons.append(str(error))
        else:
            return folder
    raise ServerError(f"no place for the files of Postgres: {'; '.join(reasons)}")
