# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a playbook can name has an integration target."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
# Those that are run by themselves. What begins so is run for others, as ansible-test has it.
NAMES = sorted(target.name for target in TARGETS.iterdir() if not target.name.startswith(("setup_", "prepare_")))
SHARED_CODE = {"action", "doc_fragments", "module_utils", "plugin_utils", "modules"}


def expected() -> set[str]:
    """Modules under their names, the others as ansible-test and this collection prefix them."""
    kinds = {folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir()} - SHARED_CODE - {"__pycache__"}
    return {
        *(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py")),
        *(f"{kind}_{path.stem}" for kind in kinds for path in (ROOT / "plugins" / kind).glob("[!_]*.py")),
        *(f"role_{path.name}" for path in (ROOT / "roles").iterdir() if path.is_dir()),
        "playbooks",
    }


def test_there_is_a_target_for_everything_and_for_nothing_else() -> None:
    assert set(NAMES) == expected()
    # The folders were found at all.
    assert {"reseller_customer", "inventory_reseller", "lookup_fleet_customer", "role_fleet"} <= expected()


def test_every_playbook_that_calls_the_service_is_run() -> None:
    # Those for both APIs, and what needs API v3.
    files = [TARGETS / "playbooks" / "files" / name for name in ("all.yml", "v3.yml")]
    plays = [play for file in files for play in yaml.safe_load(file.read_text(encoding="utf-8"))]
    run = {play["ansible.builtin.import_playbook"] for play in plays}
    # This one calls AWX.
    there = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} - {"register_with_awx"}
    assert run == {f"mailfleet.sendgrid.{name}" for name in there}


@pytest.mark.parametrize("name", NAMES)
def test_a_target_runs_on_the_controller_and_asserts_something(name: str) -> None:
    aliases = (TARGETS / name / "aliases").read_text(encoding="utf-8").splitlines()
    # The sandbox listens there. Facts take a second.
    assert aliases == ["context/controller", "gather_facts/no"]
    tasks = [path.read_text(encoding="utf-8") for path in (TARGETS / name / "tasks").glob("*.yml")]
    assert all("ansible.builtin.assert:" in text or "_tasks:" in text for text in tasks)
    assert any("ansible.builtin.assert:" in text for text in tasks)
