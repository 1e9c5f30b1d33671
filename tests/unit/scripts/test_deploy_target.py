"""wrangler.toml, its environments, and Cloudflare's deploy button are consistent."""

import ast
import copy
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


def test_an_environment_has_productions_durable_objects() -> None:
    assert {str(Target(CONFIG, name).objects()) for name in CONFIG["env"]} == {str(Target(CONFIG).objects())}


def test_each_durable_object_is_a_class_of_the_entry_module_that_a_deploy_creates_with_sql() -> None:
    tree = ast.parse((ROOT / CONFIG["main"]).read_text())
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    created = {name for migration in CONFIG.get("migrations", []) for name in migration["new_sqlite_classes"]}

    assert {*Target(CONFIG).objects().values()} == created
    assert created <= classes


@pytest.mark.parametrize("environment", ["", "staging"])
@pytest.mark.parametrize("asked", ["shared", "strict", " Strict "])
def test_coordination_without_its_binding_is_refused_before_a_deploy(environment: str, asked: str) -> None:
    config = copy.deepcopy(CONFIG)
    own = config["env"][environment] if environment else config
    own["vars"]["COORDINATION"] = asked
    Target(config, environment)
    del own["durable_objects"]

    with pytest.raises(StepError, match="needs the binding COORDINATOR"):
        Target(config, environment)


@pytest.mark.parametrize("variables", [{}, {"COORDINATION": "local"}])
def test_without_coordination_the_binding_may_be_missing(variables: dict[str, str]) -> None:
    config = {**CONFIG, "vars": variables}
    del config["durable_objects"]

    assert Target(config).objects() == {}


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
