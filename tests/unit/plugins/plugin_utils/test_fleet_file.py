# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in a file: what CSV, JSON and YAML become, and one sentence for a file that cannot be used."""

from __future__ import annotations

import codecs
import csv
import functools
import io
import json
import os
import re
import socket

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import (
    FILE_CONTENT,
    read_options,
    row_spec,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _fleet_documents, _fleet_file
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_file import read_content
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils import worlds
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import FakeService, customer
from hypothesis import given, settings
from hypothesis import strategies as st

API = capabilities("reseller")
# In every file that cannot be used: none of it is quoted.
CANARY = "canary-4711"
VAULT_PASSWORD = "vault-password-of-the-tests-4711"


def encrypted(text, password=VAULT_PASSWORD):
    """What `ansible-vault encrypt` makes of a text."""
    return VaultLib().encrypt(text, VaultSecret(password.encode())).decode("ascii")


def decrypt(data):
    """As the action plugin hands it on."""
    try:
        return VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).decrypt(data)
    except AnsibleError:
        raise ValueError from None


@pytest.fixture
def read(tmp_path):
    """Reads a file with some content; gives what it holds."""

    def read_file(name, content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return read_content(str(path), name, decrypt)

    return read_file


@pytest.fixture
def refused(read):
    """Reads a file that cannot be used; gives the clauses that say why."""

    def why_not(name, content):
        with pytest.raises(InvalidInput) as caught:
            read(name, content)
        return clauses(caught.value, name)

    return why_not


def clauses(error, name):
    told = str(error)
    assert told == f"The file '{name}' cannot be used: {'; '.join(error.problems)}."
    assert told.isprintable()
    assert "canary" not in told and "4711" not in told
    assert error.__suppress_context__
    return error.problems


# Bytes


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf_8_is_read_with_and_without_a_mark(read, mark):
    expected = {"username": "ålbørg", "city": "日本"}
    for name, content in {
        "x.csv": "username,city\nålbørg,日本\n",
        "x.json": '[{"username": "ålbørg", "city": "日本"}]',
        "x.yml": "- {username: ålbørg, city: 日本}\n",
    }.items():
        assert read(name, mark + content.encode())["customers"] == [expected]


@pytest.mark.parametrize("name", ["x.csv", "x.CSV", "a.json", "a.Json", "b.yml", "b.YAML", "dir.d/fleet.v2.csv"])
def test_the_ending_says_what_a_file_is(read, name):
    content = {"v": "username\nann\n", "n": '[{"username": "ann"}]', "l": "- username: ann"}[name[-1].lower()]
    assert read(name, content)["customers"] == [{"username": "ann"}]


@pytest.mark.parametrize("name", ["fleet", "fleet.txt", "fleet.csv.gz", ".csv", "csv", "fleet.", "fleet.jsonl"])
def test_another_ending_is_told(refused, name):
    assert refused(name, f"username\n{CANARY}\n") == ["its name must end with .csv, .json, .yml or .yaml"]


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.yml"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b" \n\r\n\t", "it is empty"),
        (codecs.BOM_UTF8, "it is empty"),
        ("username\n1\nål,canary-4711".encode("latin-1"), "it is not encoded in UTF-8 (see line 3)"),
        ("username\ncanary-4711\n".encode("utf-16"), "it is not encoded in UTF-8 (see line 1)"),
        (
            "username\ncanary-4711\n".encode("utf-16-le"),
            "line 1 has a NUL character; it may be encoded in UTF-16",
        ),
        (b"username\ncanary-4711\0\n", "line 2 has a NUL character; it may be encoded in UTF-16"),
        (b"username\n\xed\xa0\x80\n", "it is not encoded in UTF-8 (see line 2)"),
        (codecs.BOM_UTF8 + b"\n\xff", "it is not encoded in UTF-8 (see line 2)"),
    ],
)
def test_what_is_no_text_is_told(refused, name, content, problem):
    assert refused(name, content) == [problem]


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.yaml"])
def test_a_hundred_mebibytes_in_one_line_are_told(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(f"username,{CANARY}".encode())
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(InvalidInput) as caught:
        read_content(str(path), name, decrypt)
    assert clauses(caught.value, name) == ["it is larger than 64 MiB"]


def test_the_largest_file_is_read(read, refused, monkeypatch):
    content = "username\nann\n"
    monkeypatch.setattr(_fleet_file, "LARGEST", len(content))
    assert read("x.csv", content)["customers"] == [{"username": "ann"}]
    assert refused("x.csv", content + "\n") == ["it is larger than 0 MiB"]


@pytest.mark.parametrize("prepare", ["nothing", "folder", "pipe", "socket", "loop"])
def test_what_is_no_regular_file_is_told_at_once(tmp_path, monkeypatch, prepare):
    monkeypatch.chdir(tmp_path)
    problem = {
        "nothing": "no such file or directory",
        "folder": "is a directory",
        "pipe": "it is not a regular file",
        "socket": "no such device or address",
        "loop": "too many levels of symbolic links",
    }[prepare]
    if prepare == "folder":
        os.mkdir("x.csv")
    elif prepare == "pipe":
        os.mkfifo("x.csv")
    elif prepare == "loop":
        os.symlink("x.csv", "x.csv")
    elif prepare == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("x.csv")
    with pytest.raises(InvalidInput) as caught:
        read_content("x.csv", "x.csv", decrypt)
    [told] = clauses(caught.value, "x.csv")
    # The words of the system differ where it is not Linux.
    assert told == problem or (prepare == "socket" and told.islower())


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    """root can read any file, so the refusal of the system is simulated."""
    path = tmp_path / "x.csv"
    path.write_text(f"username\n{CANARY}\n", encoding="utf-8")

    def refuse(*_given):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(_fleet_file.os, "open", refuse)
    with pytest.raises(InvalidInput) as caught:
        read_content(str(path), "x.csv", decrypt)
    assert clauses(caught.value, "x.csv") == ["permission denied"]


def test_a_name_is_shown_in_one_line(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        read_content(str(tmp_path / "none"), "a\x1b\nb.csv", decrypt)
    assert str(caught.value) == "The file 'a\\x1b\\nb.csv' cannot be used: no such file or directory."


# Ansible Vault


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", f"username,password\nann,{CANARY}\n"),
        ("x.json", json.dumps([{"username": "ann", "password": CANARY}])),
        ("x.yml", f"- username: ann\n  password: {CANARY}\n"),
    ],
)
def test_a_file_that_is_encrypted_is_decrypted(read, refused, name, content):
    assert read(name, encrypted(content))["customers"] == [{"username": "ann", "password": CANARY}]
    for unreadable in (encrypted(content, "another-one"), "$ANSIBLE_VAULT;1.1;AES256\nxx\n", "$ANSIBLE_VAULT;9"):
        assert refused(name, unreadable) == [
            "Ansible Vault has encrypted it, and no vault secret of this run decrypts it"
        ]


def test_what_was_encrypted_is_looked_at_like_any_other(refused):
    assert refused("x.csv", encrypted("")) == ["it is empty"]
    assert refused("x.csv", encrypted(f"username\nann,{CANARY}\n")) == ["line 2 has 2 cells, and line 1 names 1 column"]


# CSV


@pytest.mark.parametrize(
    ("text", "rows", "lines"),
    [
        ("username\nann\n", [{"username": "ann"}], [2]),
        ("username\nann", [{"username": "ann"}], [2]),
        ("username\r\nann\r\nben\r\n", [{"username": "ann"}, {"username": "ben"}], [2, 3]),
        ("city,username\nOslo,ann\n", [{"city": "Oslo", "username": "ann"}], [2]),
        ("username\n", [], []),
        ("username,city,zip\nann,,\n", [{"username": "ann"}], [2]),
        ("username,city\n,\n", [{}], [2]),
        ('username\n""\n', [{}], [2]),
        ("\n\nusername\n\n\nann\n\n\r\nben\n\n", [{"username": "ann"}, {"username": "ben"}], [6, 9]),
        (
            'username,address\nann,"1 Road\nBath\r\nUK"\nben,"a ""b"", c"\n',
            [{"username": "ann", "address": "1 Road\nBath\r\nUK"}, {"username": "ben", "address": 'a "b", c'}],
            [2, 5],
        ),
        (
            'username,city\nann,"a\rb"\nben,x\n',
            [{"username": "ann", "city": "a\rb"}, {"username": "ben", "city": "x"}],
            [2, 3],
        ),
        ('"username","city"\n"ann","Oslo"\n', [{"username": "ann", "city": "Oslo"}], [2]),
        ("username,city\nann, Oslo \n", [{"username": "ann", "city": " Oslo "}], [2]),
        ("username,city\nann, \n", [{"username": "ann", "city": " "}], [2]),
        (
            "username,city\nann,a\u2028b\u0085c\x1dd\nben,x\n",
            [{"username": "ann", "city": "a\u2028b\u0085c\x1dd"}, {"username": "ben", "city": "x"}],
            [2, 3],
        ),
        (
            "username,ip_groups,ips\nann,News;Shop,192.0.2.1\n",
            [{"username": "ann", "ip_groups": ["News", "Shop"], "ips": ["192.0.2.1"]}],
            [2],
        ),
        (
            'username,ip_groups\nann,"a,b;c"\nben,;\n',
            [{"username": "ann", "ip_groups": ["a,b", "c"]}, {"username": "ben", "ip_groups": ["", ""]}],
            [2, 3],
        ),
        ("username,city\nann,a;b\n", [{"username": "ann", "city": "a;b"}], [2]),
    ],
)
def test_csv(read, text, rows, lines):
    assert read("x.csv", text) == {"customers": rows, "lines": lines}


@pytest.mark.parametrize(
    "cell",
    [
        "{{ 1 + 1 }}",
        "=1+1",
        "+4711",
        "-4711",
        "@cmd",
        "04101",
        "1e3",
        "2026-12-01",
        "NO",
        "null",
        "~",
        "[]",
        "!vault x",
        "'",
        "a'b",
        "#x",
        "\\n",
    ],
)
def test_a_cell_stays_the_text_that_it_is(read, cell):
    assert read("x.csv", f"username,city\nann,{cell}\n")["customers"] == [{"username": "ann", "city": cell}]


@pytest.mark.parametrize("word", ["true", "False", "YES", "no", "on", "off", "y", "N"])
def test_a_boolean_is_as_in_yaml(read, word):
    content = read("x.csv", f"username,active\nann,{word}\nben,\n")
    fleet = read_options({"customers_file": "x.csv", FILE_CONTENT: content}, API)
    assert fleet.problems == fleet.warnings == []
    assert [row.get("active") for row in fleet.rows] == [word.lower() in ("true", "yes", "on", "y"), None]


def test_a_cell_can_neither_empty_an_attribute_nor_take_a_default_away(read):
    content = read("x.csv", "username,city,state,active\nann,,,\nben,null,present,~\n")
    shared = {"city": "Oslo", "state": "absent", "active": True}
    fleet = read_options({"customers_file": "x.csv", FILE_CONTENT: content, "defaults": shared}, API)
    assert [(row["city"], row["state"]) for row in fleet.rows] == [("Oslo", "absent"), ("null", "present")]
    assert fleet.problems == ["line 3 of 'x.csv' ('ben'): active must be true or false, and is '~'"]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (f"ann,{CANARY}\n", ["line 1 must name the columns, and one of them must be username"]),
        (f"ann,{CANARY},a;b\n", ["line 1 must name the columns, and one of them must be username"]),
        (f"{CANARY}\n", ["line 1 must name the columns, and one of them must be username"]),
        (f"Username,city\nann,{CANARY}\n", ["line 1 must name the columns, and one of them must be username"]),
        (f"\n\n ,{CANARY}\n", ["line 3 must name the columns, and one of them must be username"]),
        (
            f"username;password\nann;{CANARY}\n",
            ["line 1 separates the columns with semicolons; separate them with commas"],
        ),
        (
            f"city,a;username\nann,{CANARY}\n",
            ["line 1 separates the columns with semicolons; separate them with commas"],
        ),
        (f"username,city;zip\nann,{CANARY}\n", ["line 1 names the unknown option 'city;zip'"]),
        (
            f"username,citty,\tcity\nann,{CANARY},x\n",
            [
                "line 1 names the unknown option 'citty' (did you mean 'city'?)",
                "line 1 names the unknown option '\\tcity' (did you mean 'city'?)",
            ],
        ),
        (f"username,api_key\nann,{CANARY}\n", ["line 1 names the unknown option 'api_key'"]),
        (f"username,city,city,zip,city\nann,{CANARY}\n", ["line 1 names city 3 times"]),
        (
            f"username,,city,\nann,{CANARY}\n",
            ["line 1 names no option in column 2", "line 1 names no option in column 4"],
        ),
        (
            f"username,username,x,x\n{CANARY}\n",
            ["line 1 names username 2 times", "line 1 names the unknown option 'x'"],
        ),
        (
            f"username,city\nann\nben,{CANARY},y\n\ncleo,x\n",
            [
                "line 2 has 1 cell, and line 1 names 2 columns",
                "line 3 has 3 cells, and line 1 names 2 columns",
            ],
        ),
        (f"username,city\nann,{CANARY}\n \n", ["line 3 has 1 cell, and line 1 names 2 columns"]),
        (f'username,city\nann,"{CANARY}\n\nx', ["line 2 is not valid CSV: unexpected end of data"]),
        (f'username,city\nann,x\nben,"a"{CANARY}\n', ["line 3 is not valid CSV: ',' expected after '\"'"]),
        (
            f"username,city\nann,{CANARY}" + "x" * 131073,
            ["line 2 is not valid CSV: field larger than field limit (131072)"],
        ),
        ("x" * 200_000, ["line 1 is not valid CSV: field larger than field limit (131072)"]),
        (f"username,city\rann,{CANARY}\r", ["its lines end with a carriage return only; save it with line feeds"]),
        (
            f"username,city\nann,{CANARY}\rben,x\n",
            ["line 2 is not valid CSV: new-line character seen in unquoted field"],
        ),
        (
            f'username,city\n"a\n\nb",x\nann,{CANARY}\rben,x\n',
            ["line 5 is not valid CSV: new-line character seen in unquoted field"],
        ),
    ],
)
def test_csv_that_cannot_be_used(refused, text, problems):
    assert refused("x.csv", text) == problems


def test_many_wrong_lines_are_cut(refused):
    told = refused("x.csv", "username,city\n" + f"{CANARY}\n" * 50)
    assert told[:20] == [f"line {line} has 1 cell, and line 1 names 2 columns" for line in range(2, 22)]
    assert told[20:] == ["and 30 more lines"]
    told = refused("x.csv", ",".join(["username", *(f"x{number}" for number in range(50))]))
    assert (len(told), told[-1]) == (21, "and 30 more")


def test_a_head_of_a_million_columns_is_told_soon(refused):
    """As many comparisons as the square of that would take hours."""
    assert refused("x.csv", "username" + ",city" * 1_000_000) == ["line 1 names city 1000000 times"]
    assert refused(
        "x.json", '[{"username": "ann", "zip": 1' + "".join(f', "{n}": 1' for n in range(300_000)) + ', "zip": 2}]'
    ) == ["the customer 'ann' has zip 2 times"]


# JSON


def test_json(read):
    rows = [
        {"username": "ann", "city": None, "active": True, "ips": ["192.0.2.1"], "zip": "{{ 1 + 1 }}"},
        {"username": 5, "zip": 1.5, "ip_groups": [], "address": "=1+1"},
        "no row",
    ]
    assert read("x.json", json.dumps(rows)) == {"customers": rows, "lines": []}
    assert read("x.json", '{"username": "ann"}') == {"customers": {"username": "ann"}, "lines": []}
    assert read("x.json", "null") == {"customers": None, "lines": []}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'["{CANARY}"', "line 1, column 15 is not valid JSON: expecting ',' delimiter"),
        (f'["{CANARY}', "line 1, column 2 is not valid JSON: unterminated string starting"),
        (f'["\\{CANARY}"]', "line 1, column 3 is not valid JSON: invalid \\escape"),
        (f'["a\n{CANARY}"]', "line 1, column 4 is not valid JSON: invalid control character"),
        (f'[]\n{{"x": "{CANARY}"}}', "line 2, column 1 is not valid JSON: extra data"),
        (f"username,password\nann,{CANARY}\n", "line 1, column 1 is not valid JSON: expecting value"),
        (f"['{CANARY}']", "line 1, column 2 is not valid JSON: expecting value"),
        (f"// {CANARY}\n[]", "line 1, column 1 is not valid JSON: expecting value"),
        ('[{"username": NaN}]', "it has NaN or Infinity, which are not valid JSON"),
        ('[{"username": -Infinity}]', "it has NaN or Infinity, which are not valid JSON"),
        (f'[{{"username": "ann", "city": "{CANARY}", "city": 5}}]', "the customer 'ann' has city 2 times"),
        (f'[{{"a\\nb": "{CANARY}", "a\\nb": 5}}]', "the customer has a\\nb 2 times"),
        ("[" * 100_000 + f'"{CANARY}"' + "]" * 100_000, "its values are nested more than 50 levels deep"),
        ('{"a":' * 100_000, "its values are nested more than 50 levels deep"),
        ("[" * 51 + f'"{CANARY}"' + "]" * 51, "its values are nested more than 50 levels deep"),
        ("[" * 500 + f'"{CANARY}"' + "]" * 500, "its values are nested more than 50 levels deep"),
        ("[" + "4" * 5000 + "]", "it has a number with more than 100 characters"),
        ("[-0." + "4" * 5000 + "]", "it has a number with more than 100 characters"),
    ],
)
def test_json_that_cannot_be_used(refused, text, problem):
    assert refused("x.json", text) == [problem]


def test_a_comma_that_trails_is_told(refused):
    """In words that differ between versions of Python, and with the column of the comma or of what follows."""
    [told] = refused("x.json", f'[\n{{"password": "{CANARY}",}}\n]')
    assert re.fullmatch(r"line 2, column 2[678] is not valid JSON: [a-z ]+", told)


def test_depth_that_is_fine(read):
    for name in ("x.json", "x.yml"):
        assert str(read(name, "[" * 50 + "]" * 50)["customers"]) == "[" * 50 + "]" * 50


# YAML


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            "- username: ann\n  city: null\n  active: yes\n  ips: [192.0.2.1]\n",
            [{"username": "ann", "city": None, "active": True, "ips": ["192.0.2.1"]}],
        ),
        ("---\n- username: '{{ 1 + 1 }}'\n  zip: 04101\n...\n", [{"username": "{{ 1 + 1 }}", "zip": 0o4101}]),
        (
            "- username: !unsafe '{{ x }}'\n  ips: !unsafe ['{{ y }}']\n- !unsafe {username: 5}\n",
            [{"username": "{{ x }}", "ips": ["{{ y }}"]}, {"username": 5}],
        ),
        (
            "- {username: ann, billing_date: 2026-12-01, ips: [2026-12-01]}\n",
            [{"username": "ann", "billing_date": "2026-12-01", "ips": ["2026-12-01"]}],
        ),
        (
            "- {username: ann, billing_date: 2026-12-01 10:20:30}\n",
            [{"username": "ann", "billing_date": "2026-12-01T10:20:30"}],
        ),
        (
            "- &a {username: ann, city: Oslo, zip: '1'}\n- {<<: *a, username: ben, zip: null}\n",
            [{"username": "ann", "city": "Oslo", "zip": "1"}, {"username": "ben", "city": "Oslo", "zip": None}],
        ),
        (
            "- &a {city: a, zip: a}\n- &b {city: b, phone: b}\n- {phone: c, <<: [*a, *b]}\n",
            [{"city": "a", "zip": "a"}, {"city": "b", "phone": "b"}, {"city": "a", "zip": "a", "phone": "c"}],
        ),
        (
            "- {username: ann, city: &c Oslo}\n- {username: ben, city: *c}\n",
            [{"username": "ann", "city": "Oslo"}, {"username": "ben", "city": "Oslo"}],
        ),
        ("- {'<<': x, city: <<, zip: =}\n", [{"<<": "x", "city": "<<", "zip": "="}]),
        ("- {=: x, username: ann}\n", [{"=": "x", "username": "ann"}]),
        ("# nothing\n", None),
        ("---\n", None),
        ("username: ann\n", {"username": "ann"}),
        ("text", "text"),
    ],
)
def test_yaml(read, text, rows):
    assert read("x.yml", text) == {"customers": rows, "lines": []}


def vault_value(text, tag="!vault", **more):
    lines = "\n      ".join(encrypted(text, **more).splitlines())
    return f"- username: ann\n  password: {tag} |\n      {lines}\n"


def test_a_value_that_is_encrypted_is_decrypted(read, refused):
    secret = "{{ 7 * 7 }} é"
    for tag in ("!vault", "!vault-encrypted"):
        assert read("x.yml", vault_value(secret, tag))["customers"] == [{"username": "ann", "password": secret}]
    wrong = "- username: zoe\n" + vault_value(CANARY, password="another-one")
    assert refused("x.yml", wrong) == ["no vault secret of this run decrypts the value in line 3"]
    assert refused("x.yml", f"- !vault {CANARY}") == ["no vault secret of this run decrypts the value in line 1"]
    assert refused("x.yml", f"- !vault [{CANARY}]") == ["line 1, column 3 is not valid YAML"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"- username: ann\n\tcity: {CANARY}\n",
            "line 2, column 1 is not valid YAML: it is indented with a tab",
        ),
        (
            f"- username: ann\n  city: @{CANARY}\n",
            "line 2, column 9 is not valid YAML: a value must not begin with this character or with a tab",
        ),
        (
            f"- username: ann\n  password: *{CANARY}\n",
            "line 2, column 13 is not valid YAML: there is no anchor for this alias",
        ),
        (f"- username: ann\n  password: '{CANARY}\n", "line 3, column 1 is not valid YAML: a quoted text does not end"),
        (f"- username: ann\n password: {CANARY}\n", "line 2, column 2 is not valid YAML: its indentation does not fit"),
        (f"- username: {{{{ {CANARY} }}}}\n", "line 1 has a name that is not a text; put it in quotes"),
        (f"username: ann: {CANARY}\n", "line 1, column 14 is not valid YAML: a colon is not allowed here"),
        (f"- username: ann\n---\n- {CANARY}\n", "line 2, column 1 is not valid YAML: a second document begins here"),
        (
            f"- !!python/object/apply:os.system [{CANARY}]\n",
            "line 1, column 3 is not valid YAML: a fleet must not have this tag",
        ),
        (f"- !{CANARY} x\n", "line 1, column 3 is not valid YAML: a fleet must not have this tag"),
        (f"- password: !!binary {CANARY}\n", "line 1, column 13 is not valid YAML: a fleet must not have this tag"),
        (f"- !!set {{{CANARY}}}\n", "line 1, column 3 is not valid YAML: a fleet must not have this tag"),
        (f"- !!omap [a: {CANARY}]\n", "line 1, column 3 is not valid YAML: a fleet must not have this tag"),
        (f"- username: ann\n  city: a\n  zip: '1'\n  city: {CANARY}\n", "line 4 has city once more"),
        (f"- {{<<: {{city: a}}, <<: {{zip: {CANARY}}}}}\n", "line 1 has << once more"),
        (f"- username: ann\n  <<: {CANARY}\n", "line 2 merges a value that is not a dict"),
        (f"- username: ann\n  NO: {CANARY}\n", "line 2 has a name that is not a text; put it in quotes"),
        (f"- a\n- !!map {CANARY}\n", "line 2 has the tag of a dict on a value that is not a dict"),
        (f"- !!map [{CANARY}]\n", "line 1 has the tag of a dict on a value that is not a dict"),
        (f"- !!seq {CANARY}\n", "line 1, column 3 is not valid YAML"),
        (f"- !!int [{CANARY}]\n", "line 1, column 3 is not valid YAML"),
        (f"- !!null {{a: {CANARY}}}\n", "line 1, column 3 is not valid YAML"),
        (f"- ? [a]\n  : {CANARY}\n", "line 1 has a name that is not a text; put it in quotes"),
        ("- 2026-02-30\n", "line 1 has an invalid date, number or boolean; put it in quotes if it is a text"),
        (
            f"- a\n- !!int {CANARY}\n",
            "line 2 has an invalid date, number or boolean; put it in quotes if it is a text",
        ),
        (
            f"- !!float {CANARY}\n",
            "line 1 has an invalid date, number or boolean; put it in quotes if it is a text",
        ),
        (
            f"- !!bool {CANARY}\n",
            "line 1 has an invalid date, number or boolean; put it in quotes if it is a text",
        ),
        (
            f"- !!timestamp {CANARY}\n",
            "line 1 has an invalid date, number or boolean; put it in quotes if it is a text",
        ),
        ("- " + "4" * 5000, "line 1 has a number with more than 100 characters"),
        ("- 0x" + "4" * 5000, "line 1 has a number with more than 100 characters"),
        ("- 1" + ":59" * 1000, "line 1 has a number with more than 100 characters"),
        (f"- ålbørg\n- '{CANARY}\x07'\n", "line 2 has a character that is not allowed in YAML"),
        ("[" * 100_000, "its values are nested more than 50 levels deep"),
        ("{a: " * 100_000, "its values are nested more than 50 levels deep"),
        ("- " * 100_000, "its values are nested more than 50 levels deep"),
        ("[" * 51 + "]" * 51, "its values are nested more than 50 levels deep"),
        (f"- &a [*a, {CANARY}]\n", "line 1, column 3 is not valid YAML: this value contains itself"),
        (f"- &a {{city: *a, zip: {CANARY}}}\n", "line 1, column 3 is not valid YAML: this value contains itself"),
        (
            "- &a0 [x]\n" + "".join(f"- &a{number} [*a{number - 1}]\n" for number in range(1, 60)),
            "its values are nested more than 50 levels deep",
        ),
        (
            "- &a0 [x]\n" + "".join(f"- &a{number} [*a{number - 1}]\n" for number in range(1, 5000)),
            "its values are nested more than 50 levels deep",
        ),
    ],
)
def test_yaml_that_cannot_be_used(refused, text, problem):
    assert refused("x.yml", text) == [problem]


def laughs(levels, link):
    """Ten times as many values with each level."""
    first = f"- &l0 {link.format(', '.join(['lol'] * 10))}\n"
    return first + "".join(
        f"- &l{level} {link.format(', '.join([f'*l{level - 1}'] * 10))}\n" for level in range(1, levels)
    )


@pytest.mark.parametrize("name", ["password", "ips"])
def test_a_billion_laughs_are_told(refused, name):
    for link in ("[{}]", f"{{{{{name}: [{{}}]}}}}"):
        assert refused("x.yml", laughs(10, link)) == ["it is larger than 64 MiB once its aliases are expanded"]
    long = "x" * 70_000
    assert refused("x.yml", f"- &s {long}\n" + "- {city: *s}\n" * 1000) == [
        "it is larger than 64 MiB once its aliases are expanded"
    ]


def test_merging_cannot_take_forever(refused, monkeypatch):
    monkeypatch.setattr(_fleet_documents, "_MOST_MERGED", 1000)
    shared = "- &a {" + ", ".join(f"x{number}: 1" for number in range(100)) + "}\n"
    assert refused("x.yml", shared + "- <<: [" + ", ".join(["*a"] * 11) + "]\n") == ["line 2 merges too much"]
    chain = "- &a0 {x0: 1}\n" + "".join(f"- &a{n} {{<<: *a{n - 1}, x{n}: 1}}\n" for n in range(1, 100))
    assert refused("x.yml", chain) == ["line 46 merges too much"]


def test_a_thousand_rows_may_share_a_few_options(read):
    text = "- &a {username: c0, city: Oslo, zip: '0150'}\n" + "".join(
        f"- {{<<: *a, username: c{number}}}\n" for number in range(1, 1000)
    )
    rows = read("x.yml", text)["customers"]
    assert rows == [{"username": f"c{number}", "city": "Oslo", "zip": "0150"} for number in range(1000)]


def test_the_slow_loader_says_the_same(read, refused, monkeypatch):
    """PyYAML may have been built without its fast one."""
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert read("x.yml", vault_value(CANARY))["customers"] == [{"username": "ann", "password": CANARY}]
    assert refused("x.yml", f"- *{CANARY}\n") == [
        "line 1, column 3 is not valid YAML: there is no anchor for this alias"
    ]
    assert refused("x.yml", f"- !{CANARY} x\n") == [
        "line 1, column 3 is not valid YAML: a fleet must not have this tag"
    ]
    assert refused("x.yml", f"- username: ann\n city: {CANARY}\n") == [
        "line 2, column 2 is not valid YAML: its indentation does not fit"
    ]
    assert refused("x.yml", "[" * 1000) == ["its values are nested more than 50 levels deep"]
    assert refused("x.yml", f"- ål\n- '{CANARY}\x07'\n") == ["line 2 has a character that is not allowed in YAML"]


# The size of a value is what says that aliases stand for too much: without them it must never be more than the file.
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-999, 999), st.text(st.characters(exclude_categories=["Cs", "Cc"]))
    ),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"])), inner)
    ),
    max_leaves=20,
)


@given(value=VALUES)
def test_a_value_is_never_larger_than_its_shortest_text(value):
    size, _height = _fleet_documents._measured(value, {})
    assert size <= len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


TOKENS = (
    *(
        "- ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ", ",
        "\n",
        "  ",
        "? ",
        "'",
        '"',
        "|\n ",
        "---\n",
        "\r",
        "\t",
        "\ufeff",
        "\\",
        ";",
        ",",
    ),
    *("&a ", "*a", "<<: ", "<<", "=", "~", "!", "!vault ", "!unsafe ", *(f"!!{tag} " for tag in ("int", "map", "seq"))),
    *(f"!!{tag} " for tag in ("null", "str", "merge", "value", "timestamp", "set", "float", "bool")),
    *("username", "city", "ips", "5", "-0.5", "1e9", "2026-02-30", "2026-01-01", "null", "true", "NaN", "no"),
)
WRITTEN = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(TOKENS), max_size=15).map("".join).map(str.encode))


@given(content=WRITTEN, name=st.sampled_from(["x.csv", "x.json", "x.yml"]))
def test_whatever_stands_in_a_file_is_read_or_told(tmp_path_factory, content, name):
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(content)
    try:
        assert set(read_content(str(path), name, decrypt)) == {"customers", "lines"}
    except InvalidInput as error:
        assert str(error).startswith(f"The file '{name}' cannot be used: ")


# The same fleet in variables and in files


NAMES = [f"{name}@example.com" for name in ("ann", "bob", "cleo", "dora", "eve")]
# No text is empty or of blanks: a cell cannot say that.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1, max_size=12
).filter(str.strip)
ITEMS = st.text("ab, {}'\"#:-", min_size=1, max_size=4).filter(lambda text: text == text.strip())
ROWS = st.lists(
    st.fixed_dictionaries(
        {"username": st.sampled_from(NAMES)},
        optional={
            **dict.fromkeys(("city", "address", "company", "phone"), TEXTS),
            "city": st.one_of(
                TEXTS, st.sampled_from(["{{ 1 + 1 }}", "=1", "NO", "null", "04101", "a\nb", 'say "x"', "a\r\nb"])
            ),
            "password": st.sampled_from([f"{CANARY}-{number}" for number in range(3)]),
            "active": st.booleans(),
            "ip_groups": st.lists(ITEMS, min_size=1, max_size=3),
            "state": st.sampled_from(["present", "absent"]),
            "update_password": st.sampled_from(["on_create", "always"]),
        },
    ),
    max_size=4,
    unique_by=lambda row: row["username"],
)
SHARED = st.fixed_dictionaries(
    {},
    optional={
        "defaults": st.fixed_dictionaries({}, optional={"city": TEXTS, "zip": TEXTS, "active": st.booleans()}),
        "passwords": st.dictionaries(st.sampled_from(NAMES), st.just(f"{CANARY}-9")),
    },
)


def as_csv(rows):
    columns = list(dict.fromkeys(["username", *(name for row in rows for name in row)]))
    written = io.StringIO()
    writer = csv.DictWriter(written, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: ";".join(value) if isinstance(value, list) else value for name, value in row.items()})
    return written.getvalue()


WRITERS = {
    "x.csv": as_csv,
    "x.json": functools.partial(json.dumps, ensure_ascii=False),
    "x.yml": functools.partial(yaml.safe_dump, allow_unicode=True),
}


def in_every_way(folder, rows):
    """The options that give a fleet, in variables and in each kind of file."""
    yield {"customers": rows}
    for name, write in WRITERS.items():
        path = folder / name
        path.write_bytes(write(rows).encode("utf-8"))
        yield {"customers_file": name, FILE_CONTENT: read_content(str(path), name, decrypt)}


@given(rows=ROWS, shared=SHARED)
def test_a_fleet_has_the_same_rows_wherever_it_is_written(tmp_path_factory, rows, shared):
    found = [read_options({**given, **shared}, API) for given in in_every_way(tmp_path_factory.getbasetemp(), rows)]
    assert [fleet.rows for fleet in found] == [found[0].rows] * 4
    assert len({len(fleet.problems) for fleet in found}) == 1
    assert [fleet.warnings for fleet in found] == [[]] * 4


CONVERGED = {"purge": False, "max_deletions": None, "concurrency": 1, "on_error": "continue"}


@given(rows=ROWS, shared=SHARED, check_mode=st.booleans(), purge=st.booleans())
@settings(max_examples=max(10, settings.default.max_examples // 4))
def test_a_fleet_has_the_same_result_wherever_it_is_written(tmp_path_factory, rows, shared, check_mode, purge):
    results, stored = [], []
    for options in in_every_way(tmp_path_factory.getbasetemp(), rows):
        world = worlds.World()
        world.put(FakeService(*map(customer, NAMES[:3])))
        more = {"purge": purge, "max_deletions": 9 if purge else None}
        given_options = {**worlds.CONNECTION, **CONVERGED, **more, **options, **shared}
        try:
            results.append(manage_fleet(given_options, check_mode, world.connect))
        except InvalidInput as error:
            results.append(len(error.problems))
            assert world.http.calls == []
        stored.append((world.service.customers, world.http.operations))
    assert results == [results[0]] * 4
    assert stored == [stored[0]] * 4
    assert CANARY not in repr(results)


def test_every_option_of_a_customer_can_be_a_column(read):
    names = [name for name in row_spec() if name != "credits"]
    parts = ["credits.type", "credits.total", "credits.reset_frequency"]
    columns = [*parts[:1], *names, *parts[1:]]
    content = read("x.csv", ",".join(columns) + "\n" + ",".join("x" for _name in columns) + "\n")
    [row] = content["customers"]
    assert row.pop("credits") == {"type": "x", "total": "x", "reset_frequency": "x"}
    assert list(row) == names


def test_a_dict_has_a_column_for_each_part(read):
    content = read("x.csv", "username,credits.type,credits.total\nann,nonrecurring,5\nbob,,\neve,unlimited,\n")
    assert content["customers"] == [
        {"username": "ann", "credits": {"type": "nonrecurring", "total": "5"}},
        {"username": "bob"},
        {"username": "eve", "credits": {"type": "unlimited"}},
    ]
    for column in ("credits", "credits.", "credits.used", "ips.x"):
        with pytest.raises(InvalidInput, match=f"names the unknown option '{column}'"):
            read("x.csv", f"username,{column}\nann,x\n")
