# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several files say about the options of one customer comes from one file."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import generate_docs as docs
import plugin_source
import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import ATTRIBUTES
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import customer_spec

MODULE = "plugins/modules/reseller_customer.py"
MODULE_OF_FLEETS = "plugins/modules/reseller_customers.py"
INFO = "plugins/modules/reseller_customer_info.py"
FRAGMENT = "plugins/doc_fragments/reseller.py"
INVENTORY = "plugins/inventory/reseller.py"
ROLE = "roles/fleet/meta/argument_specs.yml"
REPORT = "roles/fleet_report/meta/argument_specs.yml"
LABELS = "roles/fleet_report/vars/main.yml"

NEW = {
    "description": [
        "Text with a reference to O(quota.total), O(password) and O(api=reseller).",
        {"single": "Text for one.", "in_list": "Text for many."},
        {"in_list": "Text that one goes without."},
    ],
    "type": "dict",
    "version_added": "1.2.0",
    "no_log": True,
    "suboptions": {
        "total": {"description": "How many. See O(quota).", "type": "int", "default": 7},
        "days": {"description": ["Which days."], "type": "list", "elements": "str", "choices": ["mon", "tue"]},
    },
    "filter": "Only customers with such a quota.",
    "result": "How much it is.",
    "sample": {"total": 7},
    "label": "Quota",
    "column": True,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the tool reads and writes."""
    for name in (docs.SOURCE, *docs.FILES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(docs.ROOT / name, tmp_path / name)
    return tmp_path


def source(checkout: Path) -> dict[str, Any]:
    return yaml.safe_load((checkout / docs.SOURCE).read_text(encoding="utf-8"))


def with_option(checkout: Path, name: str, **option: Any) -> None:
    """Adds an option to the source and writes the documentation."""
    changed = {**source(checkout), name: option}
    (checkout / docs.SOURCE).write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    assert docs.main([], checkout) == 0


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def documented(checkout: Path, plugin: str, constant: str = "DOCUMENTATION") -> dict[str, Any]:
    return yaml.safe_load(plugin_source.constant(checkout / plugin, constant))


def role_options(checkout: Path, role: str) -> dict[str, Any]:
    return yaml.safe_load((checkout / role).read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]


def in_module(checkout: Path) -> dict[str, Any]:
    return documented(checkout, MODULE)["options"]


def in_module_of_fleets(checkout: Path) -> dict[str, Any]:
    return documented(checkout, MODULE_OF_FLEETS)["options"]["customers"]["suboptions"]


def in_role(checkout: Path) -> dict[str, Any]:
    return role_options(checkout, ROLE)["fleet_customers"]["options"]


# Where the options stand, and how they refer to each other there.
PLACES = [in_module, in_module_of_fleets, in_role]


# The checkout


def test_the_documentation_is_that_of_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert (docs.main(["--check"]), capsys.readouterr().out) == (0, "")


def test_the_source_is_in_the_order_of_the_table_and_agrees_with_it() -> None:
    options = docs.load(docs.ROOT)
    table = {attribute.name: attribute for attribute in ATTRIBUTES}
    assert [name for name in options if name in table] == [*table]
    assert {name for name, option in options.items() if "filter" in option} == {
        attribute.name for attribute in ATTRIBUTES if attribute.filter
    }
    shown = {attribute.name for attribute in ATTRIBUTES if attribute.in_results}
    assert {name for name, option in options.items() if "result" in option} == shown
    assert {name for name, option in options.items() if "sample" in option} == shown
    assert {name for name, option in options.items() if option.get("column")} <= shown
    # The page shows that a password would be set, not under its name.
    secret = {attribute.name for attribute in ATTRIBUTES if attribute.secret}
    assert {name for name, option in options.items() if "label" in option} == {*table} - secret


def test_the_source_agrees_with_the_argument_spec() -> None:
    spec = customer_spec()
    for name, option in docs.load(docs.ROOT).items():
        for key in ("type", "elements", "required", "default", "choices"):
            assert option.get(key) == spec[name].get(key), (name, key)
        assert option.get("no_log", False) is spec[name].get("no_log", False), name


@pytest.mark.parametrize("options", PLACES)
def test_every_place_has_every_option_in_the_same_order(options: Any) -> None:
    assert [*options(docs.ROOT)] == [*docs.load(docs.ROOT)]


# What is out of date


@pytest.mark.parametrize("name", docs.FILES)
def test_a_drift_is_told_and_mended(checkout: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    # The first line of the first part: some word of it.
    first = text[text.index(docs.TOOL) :].splitlines()[1]
    replace(path, first, first.replace(first.split()[-1], "drifted:"))
    drifted = path.read_text(encoding="utf-8")
    assert docs.main(["--check"], checkout) == 1
    told = capsys.readouterr().out
    assert f"--- {name}\n" in told and f"\n+{first}\n" in told
    assert f"run: python {docs.TOOL}\n" in told
    assert path.read_text(encoding="utf-8") == drifted
    assert docs.main([], checkout) == 0
    assert capsys.readouterr().out == f"{name}: written\n"
    assert path.read_text(encoding="utf-8") == text


def test_a_drift_of_the_source_is_told_of_each_place(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(checkout / docs.SOURCE, "this can have up to 100", "this can have up to 111")
    assert docs.main(["--check"], checkout) == 1
    told = capsys.readouterr().out
    changed = [name for name in docs.FILES if f"--- {name}\n" in told]
    assert changed == [MODULE, MODULE_OF_FLEETS, ROLE]
    assert told.count("this can have up to 111") == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [(docs.END, "# An end"), (docs.begin("options"), docs.begin("opinions")), (docs.begin("options"), "# A begin")],
)
def test_a_part_that_lost_its_marks_is_an_error(checkout: Path, old: str, new: str) -> None:
    replace(checkout / MODULE_OF_FLEETS, old, new)
    with pytest.raises(ValueError, match=MODULE_OF_FLEETS):
        docs.main([], checkout)


@pytest.mark.parametrize("option", [{"descripton": "x"}, {"suboptions": {"total": {"typ": "int"}}}])
def test_a_key_that_means_nothing_is_an_error(checkout: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="keys that mean nothing: (quota: descripton|total: typ)"):
        with_option(checkout, "quota", **{"description": "Text.", "type": "dict", **option})


def test_a_text_for_a_place_that_there_is_not_is_an_error(checkout: Path) -> None:
    with pytest.raises(ValueError, match="in_lists"):
        with_option(checkout, "quota", description=[{"in_lists": "Text."}], type="int")


# A new option


@pytest.mark.parametrize(
    ("options", "reference", "connection", "suboptions"),
    [
        (in_module, "O(", "O(", "suboptions"),
        (in_module_of_fleets, "O(customers[].", "O(", "suboptions"),
        # There is nothing to refer to below an option that takes any value.
        (in_role, "C(", "C(", "options"),
    ],
)
def test_a_new_option_is_in_all_places(
    checkout: Path, options: Any, reference: str, connection: str, suboptions: str
) -> None:
    with_option(checkout, "quota", **NEW)
    found = options(checkout)["quota"]
    is_role = options is in_role
    assert found == {
        "description": [
            f"Text with a reference to {reference}quota.total), {reference}password) and {connection}api=reseller).",
            *(["Text for one."] if options is in_module else ["Text for many.", "Text that one goes without."]),
        ],
        "type": "dict",
        "version_added": "1.2.0",
        **({"no_log": True} if is_role else {}),
        suboptions: {
            "total": {"description": f"How many. See {reference}quota).", "type": "int", "default": 7},
            "days": {
                "description": "Which days.",
                "type": "list",
                "elements": "str",
                # Ansible would refuse a null in a role, which the module leaves out.
                **({} if is_role else {"choices": ["mon", "tue"]}),
            },
        },
    }


def test_a_new_option_is_in_filters_and_results(checkout: Path) -> None:
    with_option(checkout, "quota", **NEW)
    fragment = runpy.run_path(str(checkout / FRAGMENT))["ModuleDocFragment"]
    filters = [
        yaml.safe_load(fragment.FILTERS)["options"],
        role_options(checkout, REPORT)["fleet_report_filters"]["options"],
    ]
    assert [options["quota"] for options in filters] == [{"description": NEW["filter"], "type": "dict"}] * 2
    customer = documented(checkout, MODULE, "RETURN")["customer"]
    assert customer["contains"]["quota"] == {
        "description": NEW["result"],
        "type": "dict",
        "version_added": "1.2.0",
        "returned": "always",
    }
    [listed] = documented(checkout, INFO, "RETURN")["customers"]["sample"]
    assert customer["sample"]["quota"] == listed["quota"] == {"total": 7}
    assert "C(sendgrid_data_residency) and C(sendgrid_quota)." in str(documented(checkout, INVENTORY)["description"])
    assert role_options(checkout, REPORT)["fleet_report_columns"]["choices"][-1] == "quota"
    labels = yaml.safe_load((checkout / LABELS).read_text(encoding="utf-8"))["__fleet_report_labels"]
    assert labels["quota"] == "Quota"


# Texts that YAML would take for something else


@pytest.mark.parametrize(
    "text",
    [
        "Plain.",
        "A colon: and what follows.",
        "A colon at the end:",
        "A sign #1 and # a comment.",
        "- a dash",
        "[brackets]",
        "'quoted' and \"quoted\"",
        "*star",
        "& more",
        "no",
        "12",
        "{braces}",
        "%",
        "> greater",
        "! not",
        "word " * 60 + "colon: end",
        "word " * 60 + "# end",
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_text_is_read_as_it_was_written(text: str, count: int) -> None:
    text = text.strip()
    lines = docs.filters({"quota": {"filter": [text] * count, "type": "str"}}, 40)
    # A list of one is a text where it fits into the line.
    told = yaml.safe_load("\n".join(lines))["quota"]["description"]
    assert (told if isinstance(told, list) else [told]) == [text] * count
    assert [line for line in lines if len(line) > 40] == []


def test_a_word_longer_than_the_line_stays_whole() -> None:
    text = "See " + "long" * 20 + " there"
    lines = docs.filters({"quota": {"filter": text, "type": "str"}}, 40)
    assert yaml.safe_load("\n".join(lines))["quota"]["description"] == [text]
