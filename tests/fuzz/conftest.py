"""The stack whose doors are tried, one for all of them; it does not outlive this folder."""

from collections.abc import Iterator

import pytest

from ..servers import Servers
from .doors import Doors, open_doors


@pytest.fixture(scope="package")
def doors(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with open_doors(servers, tmp_path_factory.mktemp("doors")) as opened:
        yield opened
