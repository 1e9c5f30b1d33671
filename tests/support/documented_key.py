"""The key of the example in docs/access.md, for tests of what that page promises."""

import json
import re
from hashlib import sha256

from scripts.tools import ROOT


def documented_key(token: str) -> str:
    """Return ``GATEWAY_KEYS`` with the first key of the example, whose digest is that of ``token``."""
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    (example, *_) = re.findall(r"```json\n([^`]++)```", page)
    entry = json.loads(example)[0]
    return json.dumps([{**entry, "sha256": sha256(token.encode()).hexdigest()}])
