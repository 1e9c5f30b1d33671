"""What development installs is pinned by hashes, from no fixed address, and runs nothing when installed."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from scripts.lock import GROUPS, NPM_PROJECTS
from scripts.tools import ROOT

_PINNED = re.compile(r"[\w.-]+(\[[\w,.-]+\])?==[\w.+!-]+( ; .+)? \\")
_HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")


def test_every_dependency_group_has_a_lock() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    locks = {path.stem for path in (ROOT / "requirements").glob("*.txt")}

    assert GROUPS.keys() == declared.keys() == locks


@pytest.mark.parametrize("group", GROUPS)
def test_a_lock_pins_each_package_by_hashes_and_holds_no_address(group: str) -> None:
    lines = (ROOT / "requirements" / f"{group}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if not line.startswith(" ")]
    others = [line for line in lines if line.startswith(" ") and not line.lstrip().startswith("#")]

    assert packages
    assert [line for line in packages if not _PINNED.fullmatch(line)] == []
    assert [line for line in others if not _HASH.fullmatch(line)] == []
    assert "://" not in "".join(lines)


@pytest.mark.parametrize("project", NPM_PROJECTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_npm_packages_have_an_integrity_and_run_no_install_scripts(project: Path) -> None:
    packages = json.loads((project / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    settings = (project / ".npmrc").read_text(encoding="utf-8").splitlines()

    assert all(each.get("integrity") and "resolved" not in each for name, each in packages.items() if name)
    assert "ignore-scripts=true" in settings
