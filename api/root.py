"""The path under which a proxy shows the api: taken off what comes in, put before what goes out."""

from contextvars import ContextVar

_root: ContextVar[str] = ContextVar("onceflow_root_path", default="")


def below(root_path: str, path: str) -> str:
    """Return a request's path beneath the root path, whether or not the proxy took that off."""
    if root_path and (path == root_path or path.startswith(f"{root_path}/")):
        return path[len(root_path) :] or "/"
    return path


def enter(root_path: str) -> None:
    """Let ``link`` know the root path, for the rest of this request."""
    _root.set(root_path)


def current() -> str:
    """Return the root path of the request at hand, which begins each link of a page."""
    return _root.get()


def link(path: str) -> str:
    """Return the path of a link or redirect, as the client is to ask for it."""
    return _root.get() + path if path.startswith("/") else path
