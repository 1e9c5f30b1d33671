"""The recorded payloads in `samples/`, with their status and headers; their reset times are moved ahead."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("samples")
_FRAMED_BY_THE_SERVER = frozenset({"transfer-encoding", "content-length"})
_EPOCH_MS = re.compile(r"\b1[78]\d{11}\b")
_RESETS_AT = re.compile(r'("resets_at": *")[^"]*')


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded payload."""

    stem: str
    status: int
    headers: Mapping[str, str]
    text: str
    note: str


@cache
def samples() -> Mapping[str, Sample]:
    """Return every sample by its stem (the file's name without its extension)."""
    manifest = json.loads((_FOLDER / "manifest.json").read_text())
    return {sample.stem: sample for sample in map(_load, manifest)}


def sample(stem: str) -> Sample:
    """Return one sample by its stem."""
    return samples()[stem]


def chat_samples() -> list[Sample]:
    """Return the samples of `POST /chat/completions`."""
    return [entry for stem, entry in samples().items() if not stem.startswith("cat-")]


def with_fresh_times(text: str, now: datetime | None = None) -> str:
    """Return the text with its reset times (epoch ms, `resets_at`) moved to the next UTC midnight."""
    day = (now or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = day + timedelta(days=1)
    moved = _EPOCH_MS.sub(str(int(midnight.timestamp()) * 1000), text)
    return _RESETS_AT.sub(rf"\g<1>{midnight:%Y-%m-%dT%H:%M:%S}.000Z", moved)


def _load(entry: Mapping[str, object]) -> Sample:
    path = _FOLDER / str(entry["file"])
    headers = entry["headers"]
    assert isinstance(headers, dict)
    own_headers = {name: value for name, value in headers.items() if name not in _FRAMED_BY_THE_SERVER}
    return Sample(path.stem, int(str(entry["status"])), own_headers, path.read_text(), str(entry["note"]))
