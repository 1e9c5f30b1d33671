"""wrangler.toml, its environments, and Cloudflare's deploy button are consistent."""

import json

import pytest

from scripts.deploy.secrets import wanted
from scripts.deploy.target import D1, Target
from scripts.dev.env import read_dotenv
from scripts.tools import ROOT
from scripts.wrangler import StepError
from tests.support.deploying import CONFIG


def test_an_environment_has_productions_bindings_with_other_stores() -> None:
    production = Target(CONFIG).stores()

    for name in CONFIG["env"]:
        own = Target(CONFIG, name).stores()
        assert [(each.kind, each.binding) for each in own] == [
            (each.kind, each.binding) for each in production
        ]
        assert not {each.name for each in own} & {each.name for each in production}


def test_an_environment_does_not_inherit_productions_domain() -> None:
    assert all("routes" in each for each in CONFIG["env"].values())


def test_cloudflares_button_applies_the_migrations_before_it_deploys() -> None:
    script = json.loads((ROOT / "package.json").read_text())["scripts"]["deploy"]
    bound = [store.binding for store in Target(CONFIG).stores() if store.kind == D1]

    *migrations, deploys = script.split(" && ")

    assert [each.split()[1:5] for each in migrations] == [
        ["d1", "migrations", "apply", each] for each in bound
    ]
    assert deploys.split()[:2] == ["wrangler", "deploy"]


def test_cloudflares_button_asks_for_the_same_secrets_as_a_deploy() -> None:
    asked = read_dotenv((ROOT / ".dev.vars.example").read_text())
    described = json.loads((ROOT / "package.json").read_text())["cloudflare"]["bindings"]

    assert tuple(asked) == wanted({})
    assert not any(asked.values())
    assert {*asked, *(store.binding for store in Target(CONFIG).stores())} == {*described}


def test_the_error_for_an_unknown_environment_lists_the_environments() -> None:
    with pytest.raises(StepError, match="no environment `stagging`; there is: staging"):
        Target(CONFIG, "stagging")
