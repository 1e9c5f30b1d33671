from pathlib import Path

import pytest

from scripts.deploy import steps
from scripts.deploy.run import Surroundings
from tests.support.deploying import Account


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An empty account at Cloudflare, as the fake wrangler plays it."""
    monkeypatch.setattr(steps, "SCRATCH", tmp_path / "scratch")
    return Account.empty(tmp_path)


@pytest.fixture
def around(account: Account) -> Surroundings:
    """What a deployment to this account meets."""
    return account.surroundings()
