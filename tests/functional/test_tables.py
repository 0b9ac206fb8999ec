# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in two places match: folders and files, code, documentation, versions."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import BY_NAME
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import VERSION

from tests.sandbox.faults import KINDS
from tools import staging

from .running import ROOT

COLLECTION = "mailfleet.sendgrid"
GUIDES = ROOT / "docs" / "docsite" / "rst"
GROUP = f"{COLLECTION}.reseller"
# Options that control how a customer is managed. They are not attributes.
MANNER = {"state", "update_password", "update_profile", "update_website_access"}

# The documentation is read once for all tests.
pytestmark = pytest.mark.xdist_group("tables")

# What each test of a run of Ansible is about.
TESTED = {
    "modules/reseller_customer": "test_customer.py",
    "modules/reseller_customer_api_key": "test_api_key.py",
    "modules/reseller_customer_info": "test_info.py",
    "modules/reseller_customer_password": "test_password.py",
    "modules/reseller_customers": "test_fleet.py",
    "inventory/reseller": "test_inventory.py",
    "roles/fleet": "test_fleet_role.py",
    "roles/fleet_report": "test_fleet_report.py",
    "playbooks/converge_fleet": "test_awx.py",
    "playbooks/converge_slice": "test_awx.py",
    "playbooks/disable_customer": "test_awx.py",
    "playbooks/give_customer_key": "test_awx.py",
    "playbooks/onboard_customer": "test_awx.py",
    "playbooks/register_with_awx": "test_awx.py",
    "playbooks/report": "test_awx.py",
    "playbooks/reset_password": "test_awx.py",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    return yaml.safe_load(read(name))


def stems(pattern: str) -> list[str]:
    """The names of files or folders, without their ends."""
    found = sorted(path.stem for path in ROOT.glob(pattern) if path.stem != "__init__")
    assert found, pattern
    return found


def full(names: list[str]) -> list[str]:
    return [f"{COLLECTION}.{name}" for name in names]


def code(text: str) -> list[str]:
    """The texts in code marks, in Markdown and in reStructuredText."""
    return re.findall(r"`+([^`]+)`+", text)


def markdown_table(name: str, header: str) -> list[list[str]]:
    """The rows of the table that begins with `header`: the texts of its cells."""
    lines = read(name).splitlines()
    first = lines.index(header)
    rows = takewhile(lambda line: line.startswith("|"), lines[first + 2 :])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def rst_table(name: str, header: str) -> list[list[str]]:
    """The same of a guide; `header` is the first cell of its head."""
    text = (GUIDES / name).read_text(encoding="utf-8").partition(f"   * - {header}\n")[2]
    body = "\n".join(takewhile(lambda line: not line or line.startswith("   "), text.splitlines()))
    return [
        [" ".join(cell.split()) for cell in re.split(r"^     - ", row, flags=re.MULTILINE)]
        for row in re.split(r"^   \* - ", body, flags=re.MULTILINE)[1:]
    ]


@cache
def documentation(kind: str, *names: str) -> dict[str, Any]:
    """What ansible-doc knows of plugins or roles, fragments included."""
    with staging.staged_copy() as copy:
        done = subprocess.run(
            ["ansible-doc", "--type", kind, "--json", *names],
            env=staging.environment_for(copy),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return json.loads(done.stdout)


def modules() -> dict[str, Any]:
    return {name: page["doc"] for name, page in documentation("module", *full(stems("plugins/modules/*.py"))).items()}


# Modules


def test_every_module_is_documented_as_a_member_of_the_action_group() -> None:
    runtime = load("meta/runtime.yml")
    assert full(runtime["action_groups"]["reseller"]) == sorted(modules())
    for name, page in modules().items():
        attribute = page["attributes"]["action_group"]
        assert (attribute["support"], attribute["membership"]) == ("full", [GROUP]), name


def test_every_module_has_an_action_plugin() -> None:
    assert stems("plugins/action/*.py") == stems("plugins/modules/*.py")


# The README


# What its table lists, by kind.
LISTED = {
    "module": "plugins/modules/*.py",
    "inventory": "plugins/inventory/*.py",
    "lookup": "plugins/lookup/*.py",
    "filter": "plugins/filter/*.py",
    "role": "roles/*",
}


def test_the_readme_lists_all_modules_plugins_and_roles() -> None:
    rows = markdown_table("README.md", "| name | kind | what it does |")
    wanted = [(name, kind) for kind, pattern in LISTED.items() for name in full(stems(pattern))]
    assert sorted((code(row[0])[0], row[1]) for row in rows) == sorted(wanted)
    assert {path.parent.name for path in ROOT.glob("plugins/*/*.py")} - {"action", "doc_fragments", "plugin_utils"} == {
        "modules",
        "module_utils",
        *LISTED.keys() - {"module", "role"},
    }


# The sections that collections have, in the order of Ansible's own template.
SECTIONS = [
    "Status",
    "Requirements",
    "Installation",
    "Using the collection",
    "Modules, plugins and roles",
    "Testing",
    "Contributing",
    "Support",
    "Release notes",
    "Licence",
]


def test_the_readme_is_short_and_in_the_usual_order() -> None:
    lines = read("README.md").splitlines()
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS
    assert len(lines) <= 150
    # One screen to the first success.
    assert any(line.startswith("make demo") for line in lines[:24])


def test_the_readme_leads_to_every_guide() -> None:
    linked = re.findall(r"\(docs/docsite/rst/(\w+)\.rst\)", read("README.md"))
    # CONTRIBUTING.md leads to the one for developers, and the README of the role to the one about its page.
    assert set(linked) | {"developing", "fleet_report"} == {*stems("docs/docsite/rst/*.rst"), "fleet_report"}


# Idempotency


def idempotency() -> list[list[str]]:
    """The rows of the table: attributes, how they are compared, what a second run does."""
    return [row for row in rst_table("idempotency.rst", "Attribute") if code(row[0]) != ["state: absent"]]


def test_what_idempotency_rests_on_is_told_of_every_attribute() -> None:
    told = [name for row in idempotency() for name in code(row[0])]
    assert set(told) == {*BY_NAME, "new_username"}
    # One row for each server, with website access and without it.
    assert {name for name in told if told.count(name) > 1} <= {"website_access"}


def test_what_is_used_on_creation_only_is_told() -> None:
    told = [code(row[0]) for row in idempotency() if row[1].strip(".").lower() == "used on creation only"]
    fixed = {name for choice in CHOICES for name in capabilities(choice).fixed}
    creation_only = {name for name in BY_NAME if all(written_by(choice, name) is None for choice in CHOICES)}
    # A value that cannot be changed is compared.
    assert [sorted(names) for names in told] == [sorted(creation_only - fixed)]


def written_by(choice: str, name: str) -> str | None:
    """The operation with which an API changes an attribute, if it has the attribute and such an operation."""
    capability = capabilities(choice).attributes.get(name)
    return None if capability is None else capability.written_by


def test_attributes_are_the_options_of_the_module() -> None:
    options = {name: set(page["options"]) for name, page in modules().items()}
    connection = set.intersection(*options.values()) - set(BY_NAME)
    assert "api_key" in connection
    assert options[f"{COLLECTION}.reseller_customer"] - connection == {*BY_NAME, "new_username"} | MANNER


# What is promised


def test_each_promise_of_security_names_tests_that_there_are() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    shown_by = {row[0]: code(row[2]) for row in markdown_table("SECURITY.md", "| threat | protection | tests |")}
    assert len(shown_by) >= 15
    assert [threat for threat, tests in shown_by.items() if not tests or set(tests) - there] == []


# AWX


def test_the_guide_to_awx_lists_all_playbooks() -> None:
    rows = {code(row[0])[0].removeprefix(COLLECTION + "."): row for row in rst_table("awx.rst", "Playbook")}
    assert sorted(rows) == stems("playbooks/*.yml")
    for name, row in rows.items():
        words = set(re.findall(r"\w+", "".join(map(uncommented, [f"playbooks/{name}.yml", *brought(name)]))))
        roles = [load(f"roles/{role}/meta/argument_specs.yml") for role in stems("roles/*")]
        options = {option for role in roles for option in role["argument_specs"]["main"]["options"]}
        strangers = [variable for variable in code(row[2]) if variable not in words | options]
        assert strangers == [], name


def brought(playbook: str) -> list[str]:
    """The files with tasks or variables that a playbook names."""
    names = re.findall(r"(?:tasks|vars)/\w+\.yml", read(f"playbooks/{playbook}.yml"))
    return [f"playbooks/{name}" for name in names]


def uncommented(name: str) -> str:
    return "\n".join(line.partition("# ")[0] for line in read(name).splitlines())


def test_the_guide_to_awx_lists_all_job_templates() -> None:
    templates = load("playbooks/vars/awx_job_templates.yml")["awx_job_templates"]
    rows = rst_table("awx.rst", "Job template")
    assert [row[0] for row in rows] == [template["name"] for template in templates]
    # What is asked is told in parts, one for each question.
    assert all(row[1] for row in rows)
    started = {template["playbook"].removesuffix(".yml") for template in templates}
    assert started == set(stems("playbooks/*.yml")) - {"register_with_awx"}


def test_a_slice_hands_a_customer_over_in_one_piece() -> None:
    """Each given option reaches the module. The play only names the option that comes from the host."""
    [play] = load("playbooks/converge_slice.yml")
    [task] = [task for task in play["tasks"] if f"{COLLECTION}.reseller_customer" in task]
    assert set(task[f"{COLLECTION}.reseller_customer"]) == {"username"}
    assert set(task["module_defaults"]) == {f"{COLLECTION}.reseller_customer"}


# The layers


def layers() -> dict[str, int]:
    """The floor of each file of module_utils that the guide names, from the wire up."""
    rows = rst_table("developing.rst", "File")
    return {name: floor for floor, row in enumerate(rows) for name in code(row[0])}


def test_each_layer_imports_only_from_those_before_it() -> None:
    floors = layers()
    # Each file has its floor.
    assert set(floors) == set(files())
    for name in files():
        imported = imports(f"plugins/module_utils/{name}.py")
        assert {other for other in imported if floors[other] > floors[name]} == set(), name


def test_the_guide_lists_what_runs_in_the_controller() -> None:
    listed = [name for row in rst_table("developing.rst", "File in the controller") for name in code(row[0])]
    assert sorted(listed) == stems("plugins/plugin_utils/*.py")


# The rooms that know one API, and the one file that may know them.
ROOMS = ("_v2", "_v3")
DOOR = "_apis"


def test_only_the_door_leads_into_the_room_of_an_api() -> None:
    assert {room_of(name) for name in files()} - {"_customers", "_http", ""} == set(ROOMS)
    places = sorted({path.relative_to(ROOT).as_posix() for path in (ROOT / "plugins").rglob("*.py")})
    outside = {place: imports(place) for place in places if place.split("/")[-2] not in ROOMS}
    into = {place for place, imported in outside.items() if {room_of(name) for name in imported} & set(ROOMS)}
    assert into == {f"plugins/module_utils/{DOOR}.py"}
    for name in files():
        rooms = {room_of(other) for other in imports(f"plugins/module_utils/{name}.py")}
        # No API knows another, and what carries calls knows no customer.
        allowed = {"_customers": {"_http"}, "_http": set(), "": {"_customers", "_http"}}
        assert rooms - {"", room_of(name)} <= allowed.get(room_of(name), {"_customers", "_http"}) | (
            set(ROOMS) if name == DOOR else set()
        ), name


def room_of(name: str) -> str:
    """The room of a file of module_utils; an empty text for one that is in none."""
    return name.rpartition("/")[0]


def test_above_the_door_no_api_has_a_name() -> None:
    """Neither in the names of the code, nor in a text that it compares or looks up."""
    above = [name for name in files() if room_of(name) in ("", "_customers") and name != DOOR]
    assert {"_fleet", "_customers/plan"} <= set(above)
    for name in above:
        nodes = list(ast.walk(ast.parse(read(f"plugins/module_utils/{name}.py"))))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        # `customer` is a key of results, too.
        assert not texts & {*ROOMS, *CHOICES} - {"customer"}, name
        names = {str(getattr(node, key, "")) for node in nodes for key in ("id", "attr", "arg", "name", "module")}
        assert [word for word in names if re.search("v2|v3|famil|reseller|subuser", word, re.IGNORECASE)] == [], name


def test_the_sandbox_and_the_plugins_share_no_code() -> None:
    """Else a wrong name on the wire would be wrong on both sides."""
    for folder, other in (("tests/sandbox", "plugins"), ("plugins", "tests")):
        places = sorted((ROOT / folder).rglob("*.py"))
        assert len(places) > 20
        nodes = [node for place in places for node in ast.walk(ast.parse(place.read_text(encoding="utf-8")))]
        imported = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        imported += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        assert [name for name in imported if other in name.split(".")] == [], folder


def files() -> list[str]:
    """The files of module_utils without their ending, those of a room with its name before them: `_http/transport`."""
    folder = ROOT / "plugins" / "module_utils"
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.py"))


def imports(name: str) -> set[str]:
    """The files of module_utils that a file imports, in either way of writing it."""
    place = f"ansible_collections.{COLLECTION}.plugins.module_utils"
    nodes = [node for node in ast.walk(ast.parse(read(name))) if isinstance(node, ast.ImportFrom) and node.module]
    paths = [
        [path, f"{path}.{alias.name}"]
        for node in nodes
        for path in [str(node.module)]
        if f"{path}.".startswith(f"{place}.")
        for alias in node.names
    ]
    return {path[len(place) + 1 :].replace(".", "/") for both in paths for path in both} & set(files())


def test_contributing_names_the_same_layers() -> None:
    [told] = re.findall(r"^The layers, from the wire to Ansible: (.*?)\. Each", read("CONTRIBUTING.md"), re.S | re.M)
    floors = layers()
    told_floors = [floors[name] for name in code(told)]
    assert told_floors == sorted(told_floors)


# Versions


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def releases() -> dict[str, Any]:
    """What the changelog has of each release, by version."""
    found: dict[str, Any] = load("changelogs/changelog.yaml")["releases"]
    return found


def test_the_example_of_an_execution_environment_takes_the_tag_of_this_version() -> None:
    """Tags are versions alone, as CONTRIBUTING.md says. Without a tag, a build could hold any commit."""
    galaxy = load("galaxy.yml")
    [taken] = load("extensions/execution-environment/requirements.yml")["collections"]
    assert taken == {"name": f"{galaxy['repository']}.git", "type": "git", "version": VERSION}
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert "tag with the version alone (`1.2.3`)" in read("CONTRIBUTING.md")


def versions_added() -> list[tuple[str, str, str]]:
    """Kind, name and version of all that is documented, and of its options that name one."""
    kinds = {"module": "modules", "filter": "filter", "inventory": "inventory", "lookup": "lookup"}
    pages = [
        (kind, name.rpartition(".")[2], page["doc"])
        for kind, folder in kinds.items()
        for name, page in documentation(kind, *full(stems(f"plugins/{folder}/*.py"))).items()
    ]
    specs = [("role", name, load(f"roles/{name}/meta/argument_specs.yml")) for name in stems("roles/*")]
    pages += [(kind, name, spec["argument_specs"]["main"]) for kind, name, spec in specs]
    return [(kind, name, page["version_added"]) for kind, name, page in pages] + [
        (f"option of {kind}", f"{name}.{option}", described["version_added"])
        for kind, name, page in pages
        for option, described in page.get("options", {}).items()
        # The fragments of Ansible itself count by its versions.
        if "version_added" in described and described.get("version_added_collection", COLLECTION) == COLLECTION
    ]


def test_nothing_was_added_after_this_version() -> None:
    assert [added for added in versions_added() if number(added[2]) > number(VERSION)] == []


def test_the_changelog_tells_in_which_release_each_was_added() -> None:
    told = [
        (kind, entry["name"], version)
        for version, release in releases().items()
        for kind, entries in [
            ("module", release.get("modules", [])),
            *release.get("plugins", {}).items(),
            *release.get("objects", {}).items(),
        ]
        for entry in entries
    ]
    # What is not released yet comes into the changelog with its release.
    newest = max(releases(), key=number)
    added = [one for one in versions_added() if not one[0].startswith("option") and number(one[2]) <= number(newest)]
    assert sorted(told) == sorted(added)


def test_one_oldest_ansible_is_named_everywhere() -> None:
    found = re.fullmatch(r">=(\d+\.\d+)\.0", load("meta/runtime.yml")["requires_ansible"])
    assert found is not None
    oldest = found[1]
    for name in ("README.md", "docs/docsite/rst/getting_started.rst"):
        assert re.findall(r"needs ansible-core (\S+) or newer", read(name)) == [oldest], name
    roles = [
        str(load(f"roles/{role}/meta/main.yml")["galaxy_info"]["min_ansible_version"]) for role in stems("roles/*")
    ]
    assert set(roles) == {oldest}
    environment = load("extensions/execution-environment/execution-environment.yml")
    assert environment["dependencies"]["ansible_core"]["package_pip"] == f"ansible-core>={oldest}"
    # The tests run with the oldest one, on the Python that cannot run a newer.
    tested = re.findall(r"^ansible-core>=(\d+\.\d+)", read("tests/requirements/demo.in"), re.MULTILINE)
    assert min(tested, key=number) == oldest
    assert re.findall(r"^ansible-core==(\d+\.\d+)\.", read("tests/requirements/demo.txt"), re.MULTILINE) == tested


def test_one_oldest_python_is_named_everywhere() -> None:
    oldest = load("tests/config.yml")["modules"]["python_requires"].removeprefix(">=")
    for name in ("README.md", "docs/docsite/rst/getting_started.rst"):
        assert re.findall(r"Python\s+(\d\.\d+)\s+or\s+newer,\s+are", read(name)) == [oldest], name
    [target] = re.findall(r'^target-version = "py(\d)(\d+)"$', read("pyproject.toml"), re.MULTILINE)
    assert ".".join(target) == oldest


# Tests


def test_everything_that_runs_has_a_test_that_runs_it() -> None:
    there = {
        f"{place}/{name}"
        for place, pattern in (
            ("modules", "plugins/modules/*.py"),
            ("inventory", "plugins/inventory/*.py"),
            ("roles", "roles/*"),
            ("playbooks", "playbooks/*.yml"),
        )
        for name in stems(pattern)
    }
    assert set(TESTED) == there
    assert [subject for subject, test in TESTED.items() if not is_run(subject, f"tests/functional/{test}")] == []


def is_run(subject: str, test: str) -> bool:
    """Whether a file of tests runs it: it names a playbook in full, or its job template in a call."""
    place, _slash, name = subject.partition("/")
    nodes = list(ast.walk(ast.parse(read(test))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    if place != "playbooks":
        return bool(texts & {name, f"{COLLECTION}.{name}"})
    templates = load("playbooks/vars/awx_job_templates.yml")["awx_job_templates"]
    started = {template["name"] for template in templates if template["playbook"] == f"{name}.yml"}
    called = {ast.unparse(node.args[0]).strip("'") for node in nodes if isinstance(node, ast.Call) and node.args}
    return f"{COLLECTION}.{name}" in texts or bool(started & called)


def test_every_filter_is_used_by_a_role_or_a_playbook() -> None:
    used = "\n".join(
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("roles/*/*/*"), *ROOT.glob("playbooks/*.yml")]
    )
    assert [name for name in full(stems("plugins/filter/*.py")) if not re.search(rf"\| {name}\b", used)] == []


# Commands


def sandbox_help() -> str:
    command = [sys.executable, "-m", "tests.sandbox", "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout


def test_the_readme_of_the_sandbox_lists_its_options() -> None:
    rows = markdown_table("tests/sandbox/README.md", "| option | default | meaning |")
    told = {code(row[0])[0].split()[0]: code(row[1]) for row in rows}
    # Each begins a line of its own; its help may go on in the next lines.
    parts = re.split(r"^  (?:-h, )?(?=--)", sandbox_help(), flags=re.MULTILINE)[1:]
    options = {part.split()[0].strip(","): " ".join(part.split()) for part in parts}
    assert set(told) == set(options) - {"--help"}
    defaults = {name: re.findall(r"\(default: (\S+)\)", text) for name, text in options.items()}
    assert sum(map(len, defaults.values())) > 2
    assert {name: defaults[name] for name in defaults if defaults[name]} == {
        name: told[name] for name in defaults if defaults[name]
    }


def test_the_readme_of_the_sandbox_lists_its_faults() -> None:
    rows = markdown_table("tests/sandbox/README.md", "| fault | acts | what the client gets | `outcome` |")
    assert sorted(code(row[0])[0] for row in rows) == sorted(KINDS)


TARGETS = re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE)
NAMES_TARGETS = [
    *("README.md", "CONTRIBUTING.md", "tests/requirements/README.md", "tests/sandbox/README.md"),
    *sorted(str(path.relative_to(ROOT)) for path in GUIDES.glob("*.rst")),
]


TARGET_WORDS = r"((?: [a-z][a-z-]*(?![\w=]))+)"


def named_targets(name: str) -> set[str]:
    """The targets of `make` in commands and in marks for code: in `make test lint PYTHON=python3` the first two."""
    found = re.findall(rf"(?:^ {{4,}}|`|^# .*: )make{TARGET_WORDS}|^make{TARGET_WORDS}$", read(name), re.MULTILINE)
    return {target for parts in found for target in " ".join(parts).split()}


@pytest.mark.parametrize("name", NAMES_TARGETS)
def test_targets_that_are_named_are_there(name: str) -> None:
    assert named_targets(name) - set(TARGETS) == set()


def test_contributing_names_every_gate() -> None:
    listed = re.findall(r'^(?:in_turn|side_by_side)="(.*)"$', read(".ci/run"), re.MULTILINE)
    gates = set(" ".join(listed).split())
    assert gates == {"test", "matrix", "lint", "docs", "importer"} <= set(TARGETS)
    assert gates <= named_targets("CONTRIBUTING.md")
    assert {"demo", "test", "docs", "build"} <= named_targets("README.md")


def test_every_target_is_explained() -> None:
    explained = re.findall(r"^([a-z][\w-]*):.*## ", read("Makefile"), re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    assert explained == TARGETS == " ".join(phony).split()


def test_guides_are_in_the_table_of_contents() -> None:
    listed = [name for section in load("docs/docsite/extra-docs.yml")["sections"] for name in section["toctree"]]
    names = [next(iter(name.values())) if isinstance(name, dict) else name for name in listed]
    assert sorted(Path(name).stem for name in names) == stems("docs/docsite/rst/*.rst")
