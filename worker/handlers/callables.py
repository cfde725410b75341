"""A handler under its wrappers: where it is, what its parameters are, and how it runs."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final, get_type_hints

DEEPEST: Final = 100
"""Wrappers on one another; more go round in a circle."""


def innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what is under partials, methods, wrappers that name what they wrap, and objects."""
    found: Any = function
    for _ in range(DEEPEST):
        if isinstance(found, functools.partial):
            found = found.func  # pyright: ignore[reportUnknownMemberType]
        elif inspect.ismethod(found):
            found = found.__func__
        elif (below := getattr(found, "__wrapped__", None)) is not None:
            found = below
        elif not inspect.isroutine(found) and not inspect.isclass(found):
            found = type(found).__call__
        else:
            return found
    return found


def place(function: Callable[..., Any]) -> str:
    """Return where a handler is: the module and name of what is under its wrappers."""
    inner = innermost(function)
    module, name = getattr(inner, "__module__", None), getattr(inner, "__qualname__", None)
    return f"{module or 'builtins'}.{name or type(inner).__qualname__}"


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call of it gives a coroutine, as far as the outermost wrapper tells."""
    if inspect.iscoroutinefunction(function):
        return True
    below = function.func if isinstance(function, functools.partial) else type(function).__call__  # pyright: ignore
    return inspect.iscoroutinefunction(below)


def why_not(function: Callable[..., Any], *, transactional: bool) -> str | None:
    """Return why something cannot be a handler, in words that follow "the task … "; else None."""
    inner = innermost(function)
    if inspect.isclass(function) or inspect.isclass(inner):
        return "is a class; register a function, or an object that can be called"
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        return "yields; a handler returns its output, once"
    if transactional and inspect.iscoroutinefunction(inner) and not is_async(function):
        return (
            "is async under a wrapper that is not, so that it cannot be told which connection it "
            "takes; write the wrapper with async def and await"
        )
    parameters = _parameters(inner)
    first = next(iter(parameters or {}), "")
    unbound = inner is function and "." in inner.__qualname__.rpartition("<locals>.")[2]
    if parameters is None:
        return "does not tell its parameters; wrap it in a function of your own"
    if unbound and first in ("self", "cls"):
        return f"is a method without its {first}; register the method of an object: task(…)(it.run)"
    return None


def parameters_of(
    function: Callable[..., Any], local_names: Mapping[str, Any]
) -> list[inspect.Parameter]:
    """Return the parameters that a call must fill, with their hints evaluated.

    A wrapper that takes anything (``*args, **kwargs``) hands it on, so those of what it wraps are
    meant; another one's are its own. Raises NameError for a hint that is not defined.
    """
    try:
        own = inspect.signature(function, follow_wrapped=False).parameters.values()
        hands_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in own)
    except ValueError:  # one that is no Python, such as functools.lru_cache
        hands_on = True
    found = inspect.signature(function, follow_wrapped=hands_on).parameters
    inner = innermost(function) if hands_on else function
    names = getattr(innermost(inner), "__globals__", {})
    given = {
        name: parameter.annotation
        for name, parameter in found.items()
        if parameter.annotation is not parameter.empty
    }
    hints = get_type_hints(SimpleNamespace(__annotations__=given), names, dict(local_names), True)
    return [p.replace(annotation=hints.get(name, p.annotation)) for name, p in found.items()]


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
