# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: what it merges, and what it says of files that cannot be used."""

from __future__ import annotations

import datetime

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.mailfleet.sendgrid.plugins.lookup import fleet_customer

NAME = "mailfleet.sendgrid.fleet_customer"
CANARY = "canary-4711"


@pytest.fixture
def look(tmp_path):
    """Calls the lookup, with a file of this content if there is any."""
    options = yaml.safe_load(fleet_customer.DOCUMENTATION)["options"]
    C.config.initialize_plugin_configuration_definitions("lookup", NAME, options)

    def call(*names, content=None, ending="csv", **options):
        if content is not None:
            file = tmp_path / f"fleet.{ending}"
            file.write_text(content, encoding="utf-8")
            options["customers_file"] = str(file)
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        plugin = fleet_customer.LookupModule(loader=loader)
        plugin._load_name = plugin.ansible_name = NAME
        plugin._redirected_names = [NAME]
        return plugin.run(list(names), {}, **options)

    return call


CONTENT = "username,city,country,phone,password\nann,Oslo,,,\nben,,SE,1,of-the-file\n"


def test_a_row_goes_over_what_is_shared_and_under_what_is_said_of_the_customer(look):
    ann, ben, cleo = look(
        "ann",
        "ben",
        "cleo",
        content=CONTENT,
        customer={"phone": "2", "zip": None},
        defaults={"country": "NO", "city": "Bergen", "zip": "1"},
        passwords={"ann": "of-ann", "ben": "of-ben", "cleo": "of-cleo"},
    )
    assert ann == {"username": "ann", "city": "Oslo", "country": "NO", "phone": "2", "password": "of-ann"}
    assert ben == {"username": "ben", "city": "Bergen", "country": "SE", "phone": "2", "password": "of-the-file"}
    assert cleo == {"username": "cleo", "city": "Bergen", "country": "NO", "phone": "2", "password": "of-cleo"}


def test_a_customer_that_was_renamed_is_found_by_its_new_name(look):
    """Else the next run would give it what is shared: here, it could send mail again."""
    content = "username,new_username,active\nann,anna,false\nben,,\n"
    ann, anna = look(
        "ann", "anna", content=content, defaults={"active": True}, passwords={"ann": "of-ann", "anna": "of-anna"}
    )
    assert ann == {"username": "ann", "new_username": "anna", "active": "false", "password": "of-ann"}
    assert anna == {**ann, "username": "anna"}


@pytest.mark.parametrize("name", ["username", "new_username"])
def test_there_is_no_default_for_a_name(look, name):
    with pytest.raises(AnsibleError, match=f"there cannot be a default for {name}"):
        look("ann", defaults={name: "anna"})


def test_without_a_file_there_is_what_is_given(look):
    assert look("ann") == [{"username": "ann"}]
    assert look("ann", customer={"city": "Oslo"}, defaults={"billing_date": datetime.date(2026, 12, 1)}) == [
        {"username": "ann", "city": "Oslo", "billing_date": "2026-12-01"}
    ]


def test_the_lists_of_a_customer_are_plain(look):
    encrypted = type("Encrypted", (), {"__ENCRYPTED__": True, "data": CANARY})()
    [found] = look("ann", customer={"ips": [datetime.date(2026, 1, 2)], "password": encrypted})
    assert found == {"username": "ann", "ips": ["2026-01-02"], "password": CANARY}


def test_the_parts_of_a_dict_are_plain(look):
    encrypted = type("Encrypted", (), {"__ENCRYPTED__": True, "data": "recurring"})()
    [found] = look("ann", customer={"credits": {"type": encrypted, "total": 5}})
    assert found == {"username": "ann", "credits": {"type": "recurring", "total": 5}}


def test_columns_of_a_dict_go_over_a_shared_dict_as_a_whole(look):
    """As in the module: the parts of the one have nothing to do with those of the other."""
    content = "username,ips,credits.type,credits.total\nann,192.0.2.1;192.0.2.2,unlimited,\nben,,,\n"
    shared = {"credits": {"type": "recurring", "total": 5, "reset_frequency": "daily"}, "data_residency": "eu"}
    ann, ben = look("ann", "ben", content=content, defaults=shared)
    assert ann == {**shared, "username": "ann", "ips": ["192.0.2.1", "192.0.2.2"], "credits": {"type": "unlimited"}}
    assert ben == {**shared, "username": "ben"}


def test_a_file_is_found_where_ansible_looks_for_files(look, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "fleet.json").write_text('[{"username": "ann", "city": "Oslo"}]', encoding="utf-8")
    assert look("ann", customers_file="fleet.json") == [{"username": "ann", "city": "Oslo"}]


@pytest.mark.parametrize(
    ("content", "ending", "told"),
    [
        (f"username,city\nann,{CANARY}\nben\n", "csv", "line 3 has 1 cell, "),
        (f"username,city\nann,{CANARY}\nann,{CANARY}\n", "csv", "' have the username 'ann'"),
        (f'[{{"username": 4711, "city": "{CANARY}"}}]', "json", "fleet.json'[0] must have a username that is a text"),
        (f"username,city\nann,Oslo\n,{CANARY}\n", "csv", "must have a username that is a text"),
        ("username,city\n" + f",{CANARY}\n" * 50, "csv", "; and 30 more problems."),
        (f'{{"username": "{CANARY}"}}', "json", "it must hold a list of dicts"),
        (f'["{CANARY}"]', "json", "it must hold a list of dicts"),
        (f"- username: ann\n  city: [{CANARY}", "yml", "is not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_what_is_in_it(look, content, ending, told):
    with pytest.raises(AnsibleError) as error:
        look("ann", content=content, ending=ending)
    assert told in str(error.value) and f"fleet.{ending}" in str(error.value)
    assert CANARY not in str(error.value)


def test_a_file_that_there_is_not(look):
    with pytest.raises(AnsibleError, match="There is no file 'nowhere.csv'"):
        look("ann", customers_file="nowhere.csv")


def test_rows_come_through_the_cache_of_the_workers(look, monkeypatch):
    keys = []

    def row(key, name, read):
        keys.append(key)
        return read().get(name)

    monkeypatch.setattr(fleet_customer.WORKER_CACHE, "row", row)
    look("ann", content=CONTENT)
    look("ann", content=CONTENT + "cleo,,,,\n")
    assert len({tuple(key) for key in keys}) == 2
