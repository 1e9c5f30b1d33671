from collections.abc import Iterator

import pytest

from tests.simulator.rig import Rig, started


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sim() -> Iterator[Rig]:
    with started() as (_, rig):
        yield rig
