import json

from gateway.settings.keys import as_keys
from scripts.key import message, new_key

TOKEN = "oe-canary-of-a-new-token"


def test_a_new_key_is_read_by_the_gateway_in_both_forms() -> None:
    entry, line = new_key("app1", TOKEN)

    (by_json,), (by_line,) = as_keys(f"[{entry}]"), as_keys(line)
    assert by_json == by_line
    assert by_json.name == "app1"


def test_what_the_gateway_keeps_does_not_hold_the_token() -> None:
    entry, _ = new_key("app1", TOKEN)

    assert set(json.loads(entry)) == {"name", "sha256"}
    assert TOKEN not in entry


def test_what_is_printed_names_the_two_wrangler_lines() -> None:
    text = message("app1", TOKEN)

    assert text.count("npx wrangler secret put GATEWAY_KEYS") == 2
    assert TOKEN in text
