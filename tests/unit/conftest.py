from typing import Any

import hypothesis
import pytest

from tests.support.world import new_loop

# The same examples on every run: a property that fails keeps failing until it is fixed.
hypothesis.settings.register_profile("unit", derandomize=True, deadline=None, database=None, max_examples=100)
hypothesis.settings.load_profile("unit")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return ("asyncio", {"loop_factory": new_loop})
