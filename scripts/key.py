"""`make key NAME=app1`: make a key for one who may call; print it once, and what to store of it."""

import json
import os
import re
import secrets
import sys
from hashlib import sha256

from gateway.settings.keys import as_keys

PREFIX = "oe-"  # so that a leaked one is recognised, and is never taken for OpenRouter's
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


def new_key(name: str, token: str) -> tuple[str, str]:
    """Return a key's entry for ``GATEWAY_KEYS``: as an object of its JSON array, and as a line."""
    entry = json.dumps({"name": name, "sha256": sha256(token.encode()).hexdigest()})
    as_keys(f"[{entry}]")  # what is printed here is what the Worker reads
    return entry, f"{name}:{token}"


def message(name: str, token: str) -> str:
    """Return what is printed."""
    entry, line = new_key(name, token)
    return f"""\
The key of {name}, shown this once. Its holder sends it as `Authorization: Bearer …` or `x-api-key`:

  {token}

What the gateway keeps of it: this object, in the JSON array that the secret GATEWAY_KEYS holds. It may have
models, budget, per_minute, concurrent, expires, options, origins and admin too (docs/access.md):

  {entry}

For the only key, type it into the first; with others, put the whole array into a file and use the second:

  npx wrangler secret put GATEWAY_KEYS      # then: [{entry}]
  npx wrangler secret put GATEWAY_KEYS < keys.json

Locally a line is enough, in .dev.vars: GATEWAY_KEYS={line}
"""


def main() -> None:
    """Make a key for the name in the environment, where make puts its command line."""
    name = os.environ.get("NAME", "")
    if not _NAME.fullmatch(name):
        sys.exit("make key: say whose it is, in letters, digits, . _ and -: make key NAME=app1")
    print(message(name, PREFIX + secrets.token_urlsafe(32)))


if __name__ == "__main__":
    main()
