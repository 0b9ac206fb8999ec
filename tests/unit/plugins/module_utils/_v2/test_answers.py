# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of an answer: successes, four forms of errors, lists, and everything else."""

from __future__ import annotations

import json
import sys
import tracemalloc

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import documents as _documents
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import LARGEST_ANSWER
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.answers import boolean, confirmation, rows
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ENCODERS, in_json, in_xml
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.strategies import XML_TEXTS
from hypothesis import given
from hypothesis import strategies as st

FORMATS = ("json", "xml")
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

SUCCESSES = [
    ("json", b'{"message":"success"}'),
    ("json", b' \r\n{ "message" : "success" }\n'),
    ("json", b'\xef\xbb\xbf{"message":"success"}'),
    ("json", b'{"message":"success","errors":[]}'),
    ("json", b'{"message":"success","error":false}'),
    ("json", b'{"message":"success","error":null}'),
    ("json", b'{"message":"success","error":""}'),
    ("json", b'{"message":"success","error":[]}'),
    ("json", b'{"message":"success","error":{},"errors":null}'),
    ("json", b'{"message":"success","error":0}'),
    ("xml", b"<result><message>success</message></result>"),
    ("xml", DECLARATION + b"<result>\n  <message>success</message>\n</result>\n"),
    ("xml", b"\xef\xbb\xbf<result><message>success</message></result>"),
    ("xml", b"<result>success</result>"),
    ("xml", b"<result>\n  success\n</result>"),
    ("xml", b"<result><message><![CDATA[success]]></message></result>"),
    ("xml", b"<result><message>success</message><error/><errors/></result>"),
]

# format, body, shape, messages, code
ERRORS = [
    ("json", b'{"message":"error","errors":["One","Two"]}', "errors", ["One", "Two"], None),
    ("json", b'{"message":"error","errors":"One"}', "errors", ["One"], None),
    ("json", b'{"errors":["One"]}', "errors", ["One"], None),
    ("json", b'{"message":"error","errors":["\\u00c4rger \\/ \\u20ac"]}', "errors", ["Ärger / €"], None),
    ("json", b'{"message":"User not found"}', "message", ["User not found"], None),
    ("json", b'{"message":"error","errors":[]}', "message", ["error"], None),
    (
        "json",
        b'{"error":{"code":401,"message":"Permission denied, wrong credentials"}}',
        "object",
        ["Permission denied, wrong credentials"],
        401,
    ),
    ("json", b'{"error":{"code":"404","message":null}}', "object", [], 404),
    ("json", b'{"error":{"code":"many","message":"No"}}', "object", ["No"], None),
    ("json", b'{"error":{"code":null,"message":["One","Two"]}}', "object", ["One", "Two"], None),
    ("json", b'{"error":"Bad username \\/ password"}', "string", ["Bad username / password"], None),
    ("json", b'{"message":"success","error":"But no"}', "string", ["But no"], None),
    ("json", b'{"message":"success","error":true}', "string", ["True"], None),
    ("json", b'{"message":"success","error":{"code":500,"message":"No"}}', "object", ["No"], 500),
    ("json", b'{"message":"No","error":false}', "message", ["No"], None),
    ("json", b'{"error":{"code":1e999,"message":"No"}}', "object", ["No"], None),
    ("json", b'{"error":{"code":NaN,"message":"No"}}', "object", ["No"], None),
    (
        "xml",
        b"<result><message>error</message><errors><error>One</error><error>Two</error></errors></result>",
        "errors",
        ["One", "Two"],
        None,
    ),
    ("xml", b"<result><message>error</message><errors><error>One</error></errors></result>", "errors", ["One"], None),
    (
        "xml",
        b"<result>\n <message>error</message>\n <errors>\n  <error>One &amp; all</error>\n </errors>\n</result>",
        "errors",
        ["One & all"],
        None,
    ),
    ("xml", b"<result><message>User not found</message></result>", "message", ["User not found"], None),
    ("xml", b"<result>User not found</result>", "message", ["User not found"], None),
    ("xml", b"<result><error><code>401</code><message>No</message></error></result>", "object", ["No"], 401),
    ("xml", b"<error><code>401</code><message>No</message></error>", "object", ["No"], 401),
    ("xml", b"<error>\n <code>404</code>\n <message/>\n</error>", "object", [], 404),
    ("xml", b"<error><code>\n404\n</code><message></message></error>", "object", [], 404),
    ("xml", b"<result><error>Bad username / password</error></result>", "string", ["Bad username / password"], None),
    ("xml", b"<error>Bad username / password</error>", "string", ["Bad username / password"], None),
]

# Neither a confirmation nor a list nor an error of the API.
UNREADABLE = [
    ("json", b"null"),
    ("json", b"true"),
    ("json", b"42"),
    ("json", b"{"),
    ("json", b"{}"),
    ("json", b'{"message":null}'),
    ("json", b'{"message":{"text":"success"}}'),
    ("json", b'{"message":["success"]}'),
    ("json", b"<result><message>success</message></result>"),
    ("json", b"\xff\xfe\xfd"),
    ("json", b"[" * 100_000),
    ("json", b'{"a":' * 100_000),
    ("json", b"9" * 10_000),
    ("xml", b"<"),
    ("xml", b"<result>"),
    ("xml", b"<result/>"),
    ("xml", b"<result><message/></result>"),
    ("xml", b"<result><message>success</message><message>success</message></result>"),
    ("xml", b"<message>success</message><message>success</message>"),
    ("xml", b'{"message":"success"}'),
    ("xml", b"<result><message>\xff</message></result>"),
    ("xml", b"<result><message>\x00</message></result>"),
    ("xml", b"<?xml version='1.0' encoding='klingon'?><users/>"),
    ("xml", b"<a>" * 100_000),
    ("xml", b"<a>" * 5_000 + b"</a>" * 5_000),
]

DTDS = [
    b'<!DOCTYPE result [<!ENTITY s "success">]><result><message>&s;</message></result>',
    b'<!DOCTYPE result SYSTEM "file:///etc/passwd"><result><message>success</message></result>',
    b'<!DOCTYPE users [<!ENTITY x SYSTEM "file:///etc/passwd">]><users><user><username>&x;</username></user></users>',
    b'<!DOCTYPE users [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><users><user><username>&b;</username></user>'
    b"</users>",
    b"<!DOCTYPE users><users/>",
]


@pytest.mark.parametrize(("answer_format", "body"), SUCCESSES)
def test_success_is_confirmed(answer_format, body):
    assert confirmation(answer_format, body) is None


@pytest.mark.parametrize("read", [confirmation, rows])
@pytest.mark.parametrize(("answer_format", "body", "shape", "messages", "code"), ERRORS)
def test_every_shape_of_an_error_is_one_error(read, answer_format, body, shape, messages, code):
    with pytest.raises(WireError) as caught:
        read(answer_format, body)
    error = caught.value
    assert (error.shape, error.messages, error.code) == (shape, messages, code)
    assert error.readable and not error.html


@pytest.mark.parametrize("read", [confirmation, rows])
@pytest.mark.parametrize(("answer_format", "body"), UNREADABLE)
def test_what_is_no_answer_of_the_api_is_unreadable(read, answer_format, body):
    with pytest.raises(WireError) as caught:
        read(answer_format, body)
    assert not caught.value.readable


# Places of an answer at which a server can nest something.
NESTED = {
    "errors": {"message": "error", "errors": ...},
    "message of an error": {"error": {"code": 400, "message": ...}},
    "error": {"error": ...},
    "message": {"message": ...},
    "field": [{"username": "ann", "x": ...}],
}


def nested(place, answer_format, depth):
    """The bytes of an answer with a list or an element of that depth at the place."""
    start, end = (b"[", b"]") if answer_format == "json" else (b"<e>", b"</e>")
    text = b'"No"' if answer_format == "json" else b"No"
    whole = ENCODERS[answer_format](in_place(NESTED[place], "HERE"))
    return whole.replace(b'"HERE"' if answer_format == "json" else b"HERE", start * depth + text + end * depth)


def in_place(document, value):
    if isinstance(document, dict):
        return {name: in_place(item, value) for name, item in document.items()}
    if isinstance(document, list):
        return [in_place(item, value) for item in document]
    return value if document is ... else document


# 700: the parsers go down so far, what looks at their values did not. Some Pythons parse the largest one, too.
@pytest.mark.parametrize("depth", [33, 700, 5_000])
@pytest.mark.parametrize("read", [confirmation, rows])
@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("place", NESTED)
def test_what_is_nested_deeply_is_unreadable(read, answer_format, place, depth):
    with pytest.raises(WireError) as caught:
        read(answer_format, nested(place, answer_format, depth))
    assert not caught.value.readable


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("place", ["errors", "message of an error"])
def test_messages_that_are_nested_a_little_are_told(answer_format, place):
    with pytest.raises(WireError) as caught:
        confirmation(answer_format, nested(place, answer_format, 20))
    assert (caught.value.readable, caught.value.messages) == (True, ["No"])


def test_the_depth_does_not_depend_on_how_deep_the_caller_stands():
    def deep(left):
        if left:
            return deep(left - 1)
        _value_or_wire_error(rows, "json", nested("field", "json", 25))
        return None

    deep(sys.getrecursionlimit() - 250)


# What is kept of an error


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize(("count", "kept"), [(100, 100), (101, 100), (20_000, 100)])
def test_the_number_of_messages_is_bounded(answer_format, count, kept):
    body = ENCODERS[answer_format]({"message": "error", "errors": [f"No {number}" for number in range(count)]})
    with pytest.raises(WireError) as caught:
        confirmation(answer_format, body)
    assert caught.value.messages == [f"No {number}" for number in range(kept)]
    assert caught.value.left_out == count - kept


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("shape", ["errors", "error", "message", "message of an error"])
@pytest.mark.parametrize(("size", "kept"), [(4096, "x" * 4096), (4097, "x" * 4095 + "…"), (500_000, "x" * 4095 + "…")])
def test_the_length_of_a_message_is_bounded(answer_format, shape, size, kept):
    document = in_place(NESTED[shape], "  " + "x" * size)
    with pytest.raises(WireError) as caught:
        confirmation(answer_format, ENCODERS[answer_format](document))
    assert caught.value.messages == ["error", kept][-1:]


@pytest.mark.parametrize("code", ["9" * 4_000, "9" * 500_000, " " * 5_000 + "404"])
def test_a_code_of_any_length_is_read_at_once(code):
    with pytest.raises(WireError) as caught:
        confirmation("json", in_json({"error": {"code": code, "message": "No"}}))
    assert caught.value.code == (404 if code.endswith("404") else None)


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t"])
def test_an_empty_body_confirms_nothing(answer_format, body):
    with pytest.raises(WireError) as caught:
        confirmation(answer_format, body)
    assert not caught.value.readable


@pytest.mark.parametrize(
    ("answer_format", "body"), [("json", b"[]"), ("json", b'[{"username":"a"}]'), ("xml", b"<users/>")]
)
def test_a_list_confirms_nothing(answer_format, body):
    with pytest.raises(WireError):
        confirmation(answer_format, body)


@pytest.mark.parametrize(("answer_format", "body"), SUCCESSES)
def test_a_confirmation_is_no_list(answer_format, body):
    with pytest.raises(WireError):
        rows(answer_format, body)


@pytest.mark.parametrize("read", [confirmation, rows])
@pytest.mark.parametrize("body", DTDS)
def test_a_document_type_is_refused(read, body):
    with pytest.raises(WireError) as caught:
        read("xml", DECLARATION + body)
    assert not caught.value.readable
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize("read", [confirmation, rows])
def test_an_undeclared_entity_is_refused(read):
    with pytest.raises(WireError):
        read("xml", b"<users><user><username>&unknown;</username></user></users>")


@pytest.mark.parametrize("read", [confirmation, rows])
@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b"<html><body><h1>502</h1></body></html>",
        b"\n <HTML><HEAD><TITLE>Sign in</TITLE></HEAD></HTML>",
        b"\xef\xbb\xbf<html></html>",
        b"<!doctype html>\n<title>Unclosed<p>tags<br>",
        b"<!DOCTYPE \n html>",
        b" \xef\xbb\xbf \n<body>",
        b" " * 4000 + b"<html>",
    ],
)
def test_a_web_page_is_told_as_one(read, answer_format, body):
    with pytest.raises(WireError) as caught:
        read(answer_format, body)
    assert caught.value.html and not caught.value.readable


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize(
    "body", [b"Service unavailable", b"<htmls>", b"<header>", b"See <html>", b"<!DOCTYPE other>", b"<!DOCTYPEhtml>"]
)
def test_what_is_no_web_page_is_not_called_one(answer_format, body):
    with pytest.raises(WireError) as caught:
        rows(answer_format, body)
    assert not caught.value.html


@pytest.mark.parametrize(
    ("answer_format", "body"),
    [
        ("json", b"[]"),
        ("json", b" [ ]\n"),
        ("json", b""),
        ("json", b"\r\n"),
        ("xml", b"<users/>"),
        ("xml", b"<users></users>"),
        ("xml", b"<users>\n</users>"),
        ("xml", DECLARATION + b"<users/>\n"),
        ("xml", b""),
        ("xml", b" \n"),
    ],
)
def test_an_empty_list_in_each_form(answer_format, body):
    assert rows(answer_format, body) == []


@pytest.mark.parametrize(
    ("answer_format", "body"),
    [
        ("json", b'[{"username":"ann","city":""}]'),
        ("json", b'[{"username":"ann","city":null}]'),
        ("xml", b"<users><user><username>ann</username><city></city></user></users>"),
        ("xml", b"<users><user><username>ann</username><city/></user></users>"),
        ("xml", DECLARATION + b"<users>\n <user>\n  <username>ann</username>\n  <city/>\n </user>\n</users>"),
        ("xml", b"<users><user kind='x'><username id='1'>ann</username><city/></user><!-- end --></users>"),
    ],
)
def test_one_customer_is_a_list_of_one(answer_format, body):
    assert rows(answer_format, body) == [{"username": "ann", "city": ""}]


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("count", [1, 2, 142])
def test_customers_keep_their_number_and_order(answer_format, count):
    listed = [{"username": f"user{number}", "city": "Å & <b>"} for number in range(count)]
    assert rows(answer_format, ENCODERS[answer_format](listed)) == listed


@pytest.mark.parametrize(
    ("answer_format", "body"),
    [
        ("json", b'[{"username":" a\\t","city":"  "}]'),
        ("xml", b"<users><user><username> a\t</username><city>  </city></user></users>"),
        (
            "xml",
            b"<users>\n<user>\n<username><![CDATA[ a\t]]></username>\n<city><![CDATA[  ]]></city>\n</user>\n</users>",
        ),
    ],
)
def test_blanks_belong_to_a_value(answer_format, body):
    assert rows(answer_format, body) == [{"username": " a\t", "city": "  "}]


def test_cdata_and_escapes_are_text():
    body = b"<users><user><username>a<![CDATA[<b>&amp;]]>&lt;c&gt;&#228;&#x1F600;</username></user></users>"
    assert rows("xml", body) == [{"username": "a<b>&amp;<c>ä😀"}]


def test_a_comment_does_not_split_a_value():
    assert rows("xml", b"<users><user><username>a<!-- no -->b</username></user></users>") == [{"username": "ab"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("true", "true"),
        ("false", "false"),
        ("null", ""),
        *[
            (number, number)
            for number in (
                "7",
                "1.5",
                "-0",
                "0.10",
                "1.0",
                "1E400",
                "1e5",
                "12345678901234567890123",
                "NaN",
            )
        ],
    ],
)
def test_bare_json_values_become_text(value, text):
    assert rows("json", f'[{{"username":"a","x":{value}}}]'.encode()) == [{"username": "a", "x": text}]


def test_a_number_of_any_length_is_text():
    assert rows("json", b'[{"username":"a","x":' + b"9" * 9000 + b"}]") == [{"username": "a", "x": "9" * 9000}]


def test_a_username_that_is_written_as_a_number_stays_as_it_is_written():
    assert rows("json", b'[{"username":1.20e1}]') == [{"username": "1.20e1"}]


# What an answer may hold


def peak(read, answer_format, body):
    """The result for a body, and the maximum memory in bytes while it was read."""
    tracemalloc.start()
    try:
        return read(answer_format, body), tracemalloc.get_traced_memory()[1]
    except WireError as error:
        return error, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


MEBIBYTE = 1024 * 1024
MANY = 2_100_000
# A few bytes each, which would take hundreds each.
TOO_MANY = {
    "JSON lists": ("json", b"[" + b"[]," * (MANY // 2) + b"[]]"),
    "JSON records": ("json", b"[" + b"{}," * (MANY // 2) + b"{}]"),
    "JSON numbers": ("json", b"[" + b"1," * MANY + b"1]"),
    "JSON texts": ("json", b'[{"a":[' + b'"",' * MANY + b'""]}]'),
    "JSON fields": ("json", b"[{" + b'"a":1,' * MANY + b'"a":1}]'),
    "JSON in UTF-16": ("json", ("[" + "[]," * (MANY // 2) + "[]]").encode("utf-16")),
    "31 MiB of elements in each other": ("xml", b"<a>" * (31 * MEBIBYTE // 3)),
    "elements": ("xml", b"<users>" + b"<a/>" * MANY + b"</users>"),
    "elements in UTF-16": ("xml", ("<users>" + "<a/>" * MANY + "</users>").encode("utf-16")),
    "attributes": ("xml", b"<users" + b" a=''" * MANY + b"/>"),
}


@pytest.mark.parametrize("name", TOO_MANY)
def test_nothing_is_made_of_more_values_than_an_answer_can_have(name):
    answer_format, body = TOO_MANY[name]
    error, taken = peak(rows, answer_format, body)
    assert isinstance(error, WireError) and not error.readable
    # The text of a JSON body, which has to be decoded, and parts of it.
    assert taken < len(body) + 4 * MEBIBYTE


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("end", [b"", b"</a>"])
def test_elements_in_each_other_take_no_memory(depth, end):
    error, taken = peak(rows, "xml", b"<a>" * depth + end * depth)
    assert isinstance(error, WireError) and not error.readable
    assert taken < 2 * MEBIBYTE


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[]", 2),
        ("[[],{}]", 5),
        ('[{"a":"1","b":2}]', 4),
        ('["a,b","[{"]', 3),
        ('["\\",",","\\\\",,"]', 3),
        ('["\\u002c,"', 2),
        ('["' + "," * 200_000 + '",' + "1," * 100_000 + "1]", 100_003),
        # A pair of backslashes, and a quote that is escaped, over the border of two pieces.
        *[('["' + "x" * (64 * 1024 - 5 + shift) + '\\\\\\",",1]', 3) for shift in range(6)],
    ],
)
def test_values_are_counted_outside_of_texts(monkeypatch, text, values):
    monkeypatch.setattr(_documents, "MOST_VALUES", 0)
    assert _documents._json_values(text) == values


@given(st.text('"\\,[x', max_size=40), st.integers(1, 7))
def test_the_count_is_the_same_in_pieces_of_any_size(text, size):
    encoded = json.dumps([text, [text]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_documents, "MOST_VALUES", 0)
        patch.setattr(_documents, "_PIECE", size)
        # Two lists and two texts. The first of them has nothing before it.
        assert _documents._json_values(encoded) == 4


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize(("more", "readable"), [(0, True), (1, False)])
def test_the_number_of_values_is_the_limit(monkeypatch, answer_format, more, readable):
    monkeypatch.setattr(_documents, "MOST_VALUES", 1_000)
    # A list, and in each row a name and a city that looks like many values.
    names = 333 + more
    listed = [{"username": f"user{number}", "city": "a,[{=''"} for number in range(names)]
    body = ENCODERS[answer_format](listed)
    if readable:
        assert rows(answer_format, body) == listed
    else:
        with pytest.raises(WireError):
            rows(answer_format, body)


def all_fields(number):
    """A row with every field that any server is known to show, and texts that look like more values."""
    return {
        "username": f"customer-{number:06}@fleet.example",
        "email": f"contact-{number:06}@fleet.example",
        "first_name": "Dörte",
        "last_name": "O'Hara",
        "address": f"{number} Harbour Street",
        "city": "Saint-Étienne",
        "state": "Vestland",
        "zip": f"{number:06}",
        "country": "US",
        "phone": f"+1 207 555 {number:06}",
        "website": f"https://customer-{number:06}.fleet.example/",
        "company": f"Company {number:06} & Sons, Ltd.",
        "address2": "Building 4, Entrance B, 2nd Floor",
        "id": f"{number:08}",
        "active": "true",
        "website_access": "true",
    }


@pytest.mark.parametrize(("answer_format", "spread"), [("json", False), ("json", True), ("xml", True)])
def test_a_list_of_100_000_customers_passes(answer_format, spread):
    some = [all_fields(number) for number in range(99_001, 100_001)]
    start, separator, end = (b"[", b",", b"]") if answer_format == "json" else (b"<users>", b"", b"</users>")
    part = ENCODERS[answer_format](some)[len(start) : -len(end)]
    if spread:
        # One field a line, as a server writes that is asked to be readable.
        part = part.replace(b"</", b"\x00").replace(b"<", b"\n  <").replace(b"\x00", b"</")
        part = part.replace(b'","', b'",\n  "').replace(b'":"', b'": "')
    body = start + separator.join([part] * 100) + end
    assert len(body) <= LARGEST_ANSWER
    listed = rows(answer_format, body)
    assert len(listed) == 100_000
    assert listed[:1_000] == listed[-1_000:] == some


@pytest.mark.parametrize("value", [["a", "b"], {"c": "d"}, {"c": ["d"]}])
def test_nested_values_are_kept(value):
    assert rows("json", in_json([{"username": "a", "x": value}])) == [{"username": "a", "x": value}]


def test_nested_elements_are_kept():
    body = b"<users><user><username>a</username><x><y>1</y><y>2</y></x></user></users>"
    assert rows("xml", body) == [{"username": "a", "x": {"y": ["1", "2"]}}]


def test_a_lone_surrogate_does_not_reach_a_result():
    [row] = rows("json", b'[{"username":"a\\ud800b","\\udfff":["\\udc00"]}]')
    assert repr(row).encode("utf-8")
    assert row["username"].encode("utf-8")
    assert all(name.encode("utf-8") for name in row)


@pytest.mark.parametrize(
    ("answer_format", "body"),
    [
        ("json", b'["ann"]'),
        ("json", b"[null]"),
        ("json", b"[[]]"),
        ("json", b'{"username":"ann"}'),
        ("json", b'"ann"'),
        ("xml", b"<users>ann</users>"),
        ("xml", b"<users><user>ann</user></users>"),
        ("xml", b"<customers><user><username>ann</username></user></customers>"),
        ("xml", b"<user><username>ann</username></user>"),
    ],
)
def test_what_is_no_list_of_customers_is_refused(answer_format, body):
    with pytest.raises(WireError) as caught:
        rows(answer_format, body)
    assert not caught.value.readable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, True) for text in ("true", "True", "TRUE", " true ", "1", "yes", "Y", "on", "t")],
        *[(text, False) for text in ("false", "False", "FALSE", "\nfalse", "0", "no", "N", "off", "f")],
        ("", None),
        (" \t", None),
    ],
)
def test_a_boolean_in_any_spelling(text, value):
    assert boolean(text) is value


@pytest.mark.parametrize("text", ["maybe", "2", "-1", "truefalse", "nil", "٠"])
def test_what_is_no_boolean_is_refused(text):
    with pytest.raises(ValueError, match="true"):
        boolean(text)


def _value_or_wire_error(read, answer_format, body):
    """Neither another exception nor a value of another kind."""
    try:
        value = read(answer_format, body)
    except WireError as error:
        assert isinstance(str(error), str)
        assert all(isinstance(message, str) for message in error.messages)
        return
    if read is confirmation:
        assert value is None
    else:
        assert all(isinstance(row, dict) for row in value)


READERS = st.sampled_from([confirmation, rows])
# Joined at random: more of it gets past a parser than of bytes without any sense.
FRAGMENTS = st.sampled_from(
    [
        b"<users>", b"</users>", b"<user>", b"</user>", b"<username>", b"</username>", b"<result>", b"</result>",
        b"<message>", b"</message>", b"success", b"<errors>", b"<error>", b"</error>", b"</errors>",
        b"<code>", b"</code>",
        b"<!DOCTYPE a>", b"<![CDATA[", b"]]>", b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0'?>",
        b"<?xml version='1.0' encoding='none'?>", b"&#0;", b"&a;", b"&amp;", b"<a xmlns:b='c'/>", b"<b:a/>",
        b"<#text/>",
        b"[", b"]", b"{", b"}", b":", b",", b'"message"', b'"error"', b'"errors"', b'"code"', b'"success"',
        b'"\\ud800"',
        b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b'"#text"', b"\xff", b"\x00", b"\xef\xbb\xbf", b" ",
    ]
)  # fmt: skip


@given(READERS, st.sampled_from(FORMATS), st.one_of(st.binary(max_size=80), st.lists(FRAGMENTS).map(b"".join)))
def test_any_bytes_give_a_value_or_the_one_error(read, answer_format, body):
    _value_or_wire_error(read, answer_format, body)


GOOD = [
    *SUCCESSES,
    *[error[:2] for error in ERRORS],
    *[
        (
            answer_format,
            ENCODERS[answer_format]([{"username": "ann", "city": "Å"}, {"username": "bob", "active": "true"}]),
        )
        for answer_format in FORMATS
    ],
]


@given(READERS, st.sampled_from(GOOD), st.data())
def test_any_damage_to_a_good_answer_gives_a_value_or_the_one_error(read, good, data):
    answer_format, body = good
    for _number in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 8)))
        body = body[:start] + data.draw(st.one_of(st.binary(max_size=4), FRAGMENTS)) + body[end:]
    _value_or_wire_error(read, answer_format, body)


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3)),
    max_leaves=8,
)
ANSWERS = st.one_of(
    JSON_VALUES,
    st.dictionaries(st.sampled_from(["message", "error", "errors", "result", "code"]), JSON_VALUES),
    st.fixed_dictionaries(
        {"error": st.dictionaries(st.sampled_from(["code", "message"]), JSON_VALUES)},
    ),
    st.lists(st.dictionaries(st.sampled_from(["username", "active", "x"]), JSON_VALUES), max_size=3),
)


@given(READERS, ANSWERS)
def test_any_json_value_gives_a_value_or_the_one_error(read, value):
    _value_or_wire_error(read, "json", in_json(value))


ROWS = st.lists(
    st.fixed_dictionaries({"username": XML_TEXTS}, optional={name: XML_TEXTS for name in ("city", "state", "website")}),
    max_size=4,
)


@given(ROWS)
def test_rows_are_the_same_through_both_formats(listed):
    assert rows("json", in_json(listed)) == listed
    assert rows("xml", in_xml(listed)) == listed


@given(st.lists(XML_TEXTS.filter(lambda text: bool(text.strip())), min_size=1, max_size=3))
def test_messages_are_the_same_through_both_formats(messages):
    document = {"message": "error", "errors": messages}
    told = []
    for encode, answer_format in ((in_json, "json"), (in_xml, "xml")):
        with pytest.raises(WireError) as caught:
            confirmation(answer_format, encode(document))
        told.append(caught.value.messages)
    assert told[0] == told[1] == [message.strip() for message in messages]
