import json
from hashlib import sha256

import pytest

from gateway.settings.caller import Caller, KeyLimits
from gateway.settings.keys import allows, allows_any_under, as_keys, may_use

TOKEN = "canary-of-a-token-that-is-long"
DIGEST = sha256(TOKEN.encode())


def test_keys_can_be_lines_or_json() -> None:
    entry = {"name": "one", "token": TOKEN}

    assert as_keys(f"one:{TOKEN}") == as_keys(json.dumps([entry]))


@pytest.mark.parametrize("digest", [DIGEST.hexdigest(), DIGEST.hexdigest().upper()])
def test_a_key_can_be_given_as_its_digest(digest: str) -> None:
    (key,) = as_keys(json.dumps([{"name": "one", "sha256": digest}]))

    assert key.digest == DIGEST.digest()


def test_a_key_can_be_limited_to_models() -> None:
    entries = [
        {"name": "bound", "token": TOKEN, "models": ["a/*", "task/code"]},
        {"name": "free", "token": f"{TOKEN}-2"},
    ]

    assert [key.models for key in as_keys(json.dumps(entries))] == [("a/*", "task/code"), None]


def test_two_tokens_can_have_the_same_name() -> None:
    assert [key.name for key in as_keys(f"one:{TOKEN},one:{TOKEN}2")] == ["one", "one"]


def test_a_whole_number_of_a_key_is_an_int_however_it_is_written() -> None:
    (key,) = as_keys(
        f'[{{"name": "one", "token": "{TOKEN}", "per_minute": 60.0, "concurrent": 4e0, '
        '"options": {"retries": 2.0, "deadline_ms": 3e4}, '
        '"limits": {"max_tokens": 1024.0, "retries": 1.0, "deadline_ms": 6e4}}]'
    )

    options, limits = key.options, key.limits
    numbers = [key.per_minute, key.concurrent, options["retries"], options["deadline_ms"]]
    numbers += [limits.max_tokens, limits.retries, limits.deadline_ms]
    assert numbers == [60, 4, 2, 30_000, 1_024, 1, 60_000]
    assert {type(each) for each in numbers} == {int}


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "one"},
        {"token": TOKEN},
        {"name": "one", "token": "canary"},
        {"name": "one", "token": TOKEN, "sha256": DIGEST.hexdigest()},
        {"name": "one", "sha256": "canary"},
        {"name": "one", "token": 1},
        {"name": "one", "token": TOKEN, "models": []},
        {"name": "one", "token": TOKEN, "models": "a/one"},
        {"name": "one", "token": TOKEN, "models": ["a one"]},
        {"name": "one", "token": TOKEN, "canary": 1},
        {"name": "a canary", "token": TOKEN},
        {"name": "one", "token": TOKEN, "admin": "yes"},
        {"name": "one", "token": TOKEN, "expires": "canary"},
        {"name": "one", "token": TOKEN, "expires": 1},
        {"name": "one", "token": TOKEN, "budget": 5},
        {"name": "one", "token": TOKEN, "budget": {"week_usd": 5}},
        {"name": "one", "token": TOKEN, "budget": {"day_usd": -1}},
        {"name": "one", "token": TOKEN, "budget": {"day_usd": "canary"}},
        {"name": "one", "token": TOKEN, "per_minute": 0},
        {"name": "one", "token": TOKEN, "per_minute": True},
        {"name": "one", "token": TOKEN, "concurrent": 1.5},
        {"name": "one", "token": TOKEN, "options": {"canary": 1}},
        {"name": "one", "token": TOKEN, "options": {"deadline_ms": 0}},
        {"name": "one", "token": TOKEN, "options": []},
        {"name": "one", "token": TOKEN, "origins": []},
        "canary",
    ],
    ids=repr,
)
def test_the_error_for_a_wrong_entry_does_not_contain_its_values(entry: object) -> None:
    with pytest.raises(ValueError, match="must") as raised:
        as_keys(json.dumps([entry]))

    assert "canary" not in str(raised.value)


def test_a_text_that_begins_like_json_must_be_json() -> None:
    with pytest.raises(ValueError, match="must be JSON"):
        as_keys("[canary")


def test_a_name_with_a_star_is_a_prefix() -> None:
    assert may_use(("a/o*",), "a/one", None)
    assert not may_use(("a/o",), "a/one", None)
    assert not may_use((), "a/one")
    assert may_use(None, "anything")


def test_the_error_for_a_wrong_entry_has_its_number() -> None:
    entries = [{"name": "one", "token": TOKEN}, {"name": "two", "token": "canary"}]

    with pytest.raises(ValueError, match="entry 2") as raised:
        as_keys(json.dumps(entries))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("form", ["lines", "json"])
def test_two_names_with_the_same_token_are_refused(form: str) -> None:
    entries = [{"name": "one", "token": TOKEN}, {"name": "two", "token": TOKEN}]
    lines = "\n".join(f"{each['name']}:{each['token']}" for each in entries)

    with pytest.raises(ValueError, match="same token to two keys") as raised:
        as_keys(lines if form == "lines" else json.dumps(entries))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("name", ["loopback", "own-canary", "*"])
def test_a_reserved_name_in_a_line_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"one of own-, loopback, \*: they are reserved") as raised:
        as_keys(f"{name}:{TOKEN}")
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("name", ["loopback", "own-canary"])
def test_a_reserved_name_in_an_entry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"entry 1: it must not .* reserved"):
        as_keys(json.dumps([{"name": name, "token": TOKEN}]))


def test_duplicate_names_in_one_object_are_refused() -> None:
    with pytest.raises(ValueError, match="duplicate names"):
        as_keys('[{"name": "one", "token": "%s", "models": ["a"], "models": ["*"]}]' % TOKEN)  # noqa: UP031  # braces


@pytest.mark.parametrize(
    "name", ["app\u0131", "app\u0661", "\u0430pp", "app\u00aa", "app\u2070", "ap\u0301p"]
)
@pytest.mark.parametrize("form", ["lines", "json"])
def test_a_name_that_could_be_taken_for_another_is_refused(form: str, name: str) -> None:
    raw = f"x{name}:{TOKEN}" if form == "lines" else json.dumps([{"name": f"x{name}", "token": TOKEN}])

    with pytest.raises(ValueError, match=r"letters, digits, \. _ and -"):
        as_keys(raw)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, True),
        ((), False),
        (("a/*",), False),
        (("direct:near/fast",), True),
        (("direct:near/*",), True),
        (("direct:*",), True),
        (("*",), True),
        (("direct:near",), False),
        (("direct:nearer/*",), False),
    ],
    ids=repr,
)
def test_what_begins_so_may_be_used_if_one_such_name_may(
    allowed: tuple[str, ...] | None, expected: bool
) -> None:
    limited = Caller(name="one", limits=KeyLimits(models=allowed))

    assert allows_any_under(Caller(name="one", models=allowed), "direct:near/") is expected
    assert allows_any_under(limited, "direct:near/") is expected


def test_a_keys_models_and_its_limit_on_models_must_both_allow_a_model() -> None:
    caller = Caller(name="one", models=("a/*",), limits=KeyLimits(models=("a/one", "b/two")))

    assert [name for name in ("a/one", "a/two", "b/two") if allows(caller, name)] == ["a/one"]
