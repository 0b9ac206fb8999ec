# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms for issues and pull requests ask for what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path for path in FOLDER.glob("*.yml") if path.name != "config.yml")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_the_forge_needs(path: Path) -> None:
    form = load(path)
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids) > 3
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_a_bug_is_reported_with_a_choice_of_the_api() -> None:
    [field] = [field for field in load(FOLDER / "bug_report.yml")["body"] if field.get("id") == "api"]
    assert field["attributes"]["options"] == list(CHOICES)


def test_the_files_that_templates_name_are_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (*FORMS, ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md")]
    named = set(re.findall(r"(?:[\w-]+/)*[\w-]+\.md\b|changelogs/fragments", "\n".join(texts)))
    assert {"CONTRIBUTING.md", "SECURITY.md", "tests/sandbox/README.md"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
    repository = load(ROOT / "galaxy.yml")["repository"]
    links = [link["url"] for link in load(FOLDER / "config.yml")["contact_links"]]
    assert links and all(link.startswith(f"{repository}/") for link in links)


def test_a_pull_request_names_the_section_for_what_no_user_sees() -> None:
    section = load(ROOT / "changelogs" / "config.yaml")["trivial_section_name"]
    for name in (".github/PULL_REQUEST_TEMPLATE.md", "CONTRIBUTING.md", "tools/fragments.py"):
        assert f"`{section}`" in (ROOT / name).read_text(encoding="utf-8"), name
