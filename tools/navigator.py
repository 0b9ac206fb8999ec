# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-navigator shows of an installed collection: the list with short descriptions, and pages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import staging
import yaml
from plugin_source import constant

COLLECTION = "mailfleet.sendgrid"
# No container engine, no terminal, no files in the user's folders.
OPTIONS = ["--execution-environment", "false", "--mode", "stdout"]
# The kinds of its list. It cannot read inventory plugins of collections there, only as pages.
LISTED = {"modules": "module", "filter": "filter", "lookup": "lookup"}
# Pages, by kind: the paths of the plugins.
PAGES = (("module", "plugins/modules/reseller_customer.py"), ("inventory", "plugins/inventory/reseller.py"))


def problems(collection: Path) -> list[str]:
    """What ansible-navigator does not show of the collection in this folder."""
    return list_problems(collection) + [
        problem for kind, path in PAGES for problem in _page_problems(collection, kind, collection / path)
    ]


def list_problems(collection: Path) -> list[str]:
    listed = json.loads(_navigator(collection, "collections", "--format", "json") or '{"collections": []}')
    [ours] = [one for one in listed["collections"] if one["name"] == COLLECTION] or [{"plugins": {}, "roles": []}]
    shown = {
        (kind, plugin.get("full_name"), plugin.get("short_description"))
        for kind in LISTED.values()
        for plugin in ours["plugins"].get(kind, [])
    } | {("role", role["full_name"], _main_of(role)) for role in ours["roles"]}
    missing = _described(collection) - shown
    return [f"ansible-navigator does not list the {kind} {name}: {text}" for kind, name, text in sorted(missing)]


def _described(collection: Path) -> set[tuple[str, str, str]]:
    """Kind, full name and short description of everything that must be in the list."""
    plugins = {
        (kind, f"{COLLECTION}.{path.stem}", documentation(path)["short_description"])
        for folder, kind in LISTED.items()
        for path in (collection / "plugins" / folder).glob("*.py")
    }
    specs = {
        path.parents[1].name: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in collection.glob("roles/*/meta/argument_specs.yml")
    }
    roles = {("role", f"{COLLECTION}.{name}", _main_of(spec)) for name, spec in specs.items()}
    assert plugins and roles
    return plugins | roles


def _main_of(role: dict[str, Any]) -> str:
    return role["argument_specs"].get("main", {}).get("short_description", "")


def documentation(plugin: Path) -> dict[str, Any]:
    """The DOCUMENTATION of a plugin, without its fragments."""
    return yaml.safe_load(constant(plugin, "DOCUMENTATION"))


def _page_problems(collection: Path, kind: str, plugin: Path) -> list[str]:
    name = f"{COLLECTION}.{plugin.stem}"
    page = _words(_navigator(collection, "doc", "--type", kind, name))
    # The page shows no short description. The first words of the description have no markup.
    first = _words(documentation(plugin)["description"][0])
    return [] if name in page and first[:60] in page else [f"ansible-navigator has no page about the {kind} {name}"]


def _words(text: str) -> str:
    """The text without the codes for bold letters, and with one blank for each run of blanks."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def _navigator(collection: Path, *arguments: str) -> str:
    """The output of ansible-navigator, which finds only this collection tree. It prints its own errors."""
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            [str(Path(sys.executable).with_name("ansible-navigator")), *arguments, *OPTIONS],
            cwd=home,
            env={**staging.environment_for(collection), "HOME": home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        ).stdout
