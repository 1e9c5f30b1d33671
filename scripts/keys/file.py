"""The file ``keys.json``: the keys of the secret ``GATEWAY_KEYS``, with digests and without tokens."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.http.json_values import JsonObject
from gateway.settings.keys import as_keys
from scripts.wrangler import StepError

NAME = "keys.json"
# Source: Cloudflare "Workers limits": a secret has 5 KB.
MAX_BYTES = 5_120
_INSTEAD = "make keys in a running gateway, with URL=https://…"


def read(directory: Path) -> list[JsonObject]:
    """Return the entries of the file; none if there is no file.

    Raises:
        StepError: the Worker could not read it.
    """
    path = directory / NAME
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    try:
        if text.lstrip().startswith("["):
            as_keys(text)
            entries: list[JsonObject] = json.loads(text)
            return entries
    except ValueError as error:
        raise StepError(f"{NAME} {error}") from None
    raise StepError(f"{NAME} must be a JSON array, which begins with [")


def write(directory: Path, entries: Sequence[JsonObject]) -> None:
    """Write the entries, one a line. Only this user may read the file.

    Raises:
        StepError: they are more than a secret holds.
    """
    text = "[\n" + ",\n".join(json.dumps(each) for each in entries) + "\n]\n"
    as_keys(text)
    if len(text.encode()) > MAX_BYTES:
        raise StepError(
            f"{NAME} would have more than {MAX_BYTES} bytes, and a secret holds no more: {_INSTEAD}"
        )
    path = directory / NAME
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
