"""Checks of the recipes page that need no clients; `make clients` runs the recipes."""

import json
import re

import pytest

from scripts.recipes import KEY, PAGE, URL, recipes

RECIPES = {f"line {each.line}": each for each in recipes(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_an_address_and_a_key_that_a_run_can_replace(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.language in {"python", "js", "sh"}
    assert URL in recipe.code
    assert KEY in recipe.code


@pytest.mark.parametrize("name", [name for name, each in RECIPES.items() if each.language == "python"])
def test_a_recipe_in_python_compiles(name: str) -> None:
    compile(RECIPES[name].code, name, "exec")


@pytest.mark.parametrize("name", [name for name, each in RECIPES.items() if "curl" in each.code])
def test_a_recipe_for_curl_sends_json(name: str) -> None:
    [body] = re.findall(r"-d '(.+?)'", RECIPES[name].code, re.DOTALL)

    assert json.loads(body)["messages"]
