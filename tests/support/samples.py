"""Loads the recorded upstream payloads in ``tests/unit/samples``, with their status and headers."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway.http.json_values import JsonObject

FOLDER = Path(__file__).parent.parent / "unit" / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One recorded reply."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> JsonObject:
        """The parsed body; an object in every sample that is JSON."""
        payload = json.loads(self.body)
        assert isinstance(payload, dict)
        return payload


@cache
def all_samples() -> dict[str, Sample]:
    """Return every sample by its file name without the extension."""
    rows = json.loads((FOLDER / "manifest.json").read_text())
    return {
        row["file"].rpartition(".")[0]: Sample(
            name=row["file"].rpartition(".")[0],
            status=row["status"],
            headers={name: value for name, value in row["headers"].items() if name != "transfer-encoding"},
            body=(FOLDER / row["file"]).read_bytes(),
        )
        for row in rows
    }


def sample(name: str) -> Sample:
    """Return the sample whose file name, without the extension, begins with ``name``."""
    found = [each for key, each in all_samples().items() if key.startswith(name)]
    assert len(found) == 1, f"{name} names {len(found)} samples"
    return found[0]


def samples_named(prefix: str) -> list[str]:
    """Return the names of the samples that begin with ``prefix``."""
    return sorted(name for name in all_samples() if name.startswith(prefix))
