"""`make key NAME=app1`: make a key for a caller; print it once, with the entry to store."""

import json
import os
import re
import secrets
import sys
from hashlib import sha256

from gateway.settings.keys import as_keys

PREFIX = "oe-"  # marks a leaked key as this gateway's, and not OpenRouter's
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


def new_key(name: str, token: str) -> tuple[str, str]:
    """Return a key's entry for ``GATEWAY_KEYS`` in both forms: an object of its JSON array, and a line."""
    entry = json.dumps({"name": name, "sha256": sha256(token.encode()).hexdigest()})
    as_keys(f"[{entry}]")  # raises if the Worker could not read the entry
    return entry, f"{name}:{token}"


def message(name: str, token: str) -> str:
    """Return the text to print."""
    entry, line = new_key(name, token)
    return f"""\
The key of {name}, shown only this once. Its holder sends it as `Authorization: Bearer …` or `x-api-key`:

  {token}

What the gateway stores of it: this object, in the JSON array in the secret GATEWAY_KEYS. The object may also
have models, budget, per_minute, concurrent, expires, options, origins and admin (docs/access.md):

  {entry}

If it is the only key, type it into the first command. If there are more, put the whole array into a file and
use the second command:

  npx wrangler secret put GATEWAY_KEYS      # then: [{entry}]
  npx wrangler secret put GATEWAY_KEYS < keys.json

For local development a line in .dev.vars is enough: GATEWAY_KEYS={line}
"""


def main() -> None:
    """Make a key for NAME in the environment, where make puts its command line's variables."""
    name = os.environ.get("NAME", "")
    if not _NAME.fullmatch(name):
        sys.exit("make key: needs a name of letters, digits, . _ and -: make key NAME=app1")
    print(message(name, PREFIX + secrets.token_urlsafe(32)))


if __name__ == "__main__":
    main()
