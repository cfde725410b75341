"""The web pages: rendered here, without scripts or build step."""

from starlette.routing import Route

PAGES: list[Route] = []
