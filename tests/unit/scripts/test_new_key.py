import json

from gateway.settings.keys import as_keys
from scripts.key import message, new_key

TOKEN = "oe-canary-of-a-new-token"


def test_the_gateway_reads_a_new_key_in_both_forms() -> None:
    entry, line = new_key("app1", TOKEN)

    (by_json,), (by_line,) = as_keys(f"[{entry}]"), as_keys(line)
    assert by_json == by_line
    assert by_json.name == "app1"


def test_the_stored_entry_does_not_contain_the_token() -> None:
    entry, _ = new_key("app1", TOKEN)

    assert set(json.loads(entry)) == {"name", "sha256"}
    assert TOKEN not in entry


def test_the_message_has_both_wrangler_commands() -> None:
    text = message("app1", TOKEN)

    assert text.count("npx wrangler secret put GATEWAY_KEYS") == 2
    assert TOKEN in text
