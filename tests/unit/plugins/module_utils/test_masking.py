# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masking of many secrets: what Ansible makes of a result, and no secret remains in any."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _masking
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._masking import masked
from hypothesis import given
from hypothesis import strategies as st

# None of them overlaps another one, so that the order in which Ansible replaces them makes no difference.
SECRETS = {f"pass-{number:02}" for number in range(40)} | {f"4711{number}" for number in range(10)} | {"a*b", "True"}
PIECES = st.sampled_from([*sorted(SECRETS), "", " ", "pass-", "4711", "pass-9", "x", "Ü", "********", "a*", "*b"])
TEXTS = st.lists(PIECES, max_size=5).map("".join)
PLAIN = st.one_of(TEXTS, st.sampled_from([None, True, False, 0, 12, 47113, 471131, 3.5, -47119]))
RESULTS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["msg", "pass-01", "customer"]), inner, max_size=3),
    ),
    max_leaves=12,
)


def texts_of(value):
    """Every text in a tree, except for the keys of dicts, which Ansible does not change."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [value] if isinstance(value, str) else []


@given(RESULTS)
def test_many_secrets_are_masked_as_ansible_does_it(result):
    assert masked(result, SECRETS) == remove_values(result, SECRETS)


@given(RESULTS, st.sets(st.sampled_from(sorted(SECRETS)), max_size=_masking._MANY - 1))
def test_few_secrets_are_masked_as_ansible_does_it(result, secrets):
    assert masked(result, secrets) == remove_values(result, secrets)


@given(st.text("ab", max_size=30))
def test_no_secret_remains_where_they_overlap(text):
    secrets = {first + second + third for first in "ab" for second in "ab" for third in "abc"}
    secrets |= {secret + "ab" for secret in secrets}
    assert len(secrets) >= _masking._MANY
    [left] = texts_of([masked(text, secrets)])
    assert [secret for secret in secrets if secret in left] == []


@given(st.lists(PIECES, max_size=8))
def test_a_text_as_long_as_a_log_loses_its_secrets_and_nothing_else(pieces):
    filler = "y" * 60
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_masking, "_LONG", 50)
        found = masked({"stdout": filler + " ".join(pieces)}, SECRETS)["stdout"]
    assert found.startswith(filler)
    assert [secret for secret in SECRETS if secret in found] == []
    harmless = [piece for piece in pieces if piece in ("x", "Ü", "pass-", "pass-9", "4711")]
    assert all(piece in found for piece in harmless)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one secret-11.", "one ********."),
        ("secret-11secret-12", "****************"),
        ("longer: secret-11-and-more!", "longer: ********!"),
        ("overlapping: secret-11-secret-12-and", "overlapping: ********-********-and"),
        ("within: a-secret-13-b!", "within: ********!"),
        ("11-and-more-secret-10", "********-********"),
        ("no secret", "no secret"),
    ],
)
def test_what_stands_for_a_secret_in_a_long_text(monkeypatch, text, left):
    monkeypatch.setattr(_masking, "_LONG", 0)
    secrets = {f"secret-{number}" for number in range(10, 40)} | {"secret-11-and-more", "11-and-more", "a-secret-13-b"}
    assert masked(text, secrets) == left


def test_a_secret_that_a_mask_may_make_is_looked_for_wherever_something_is_masked(monkeypatch):
    """Whether Ansible sees it depends on the order in which it replaces them, which is left to chance."""
    asked = []
    monkeypatch.setattr(_masking, "remove_values", lambda text, secrets: asked.append(secrets) or text)
    masked(["pass-01", "nothing", "4711"], SECRETS | {"****x"})
    assert asked == [{"pass-01", "a*b", "****x"}]


def test_one_short_secret_does_not_make_many_others_be_looked_for_everywhere():
    class Text(str):
        compared = 0

        def startswith(self, *given):
            Text.compared += 1
            return super().startswith(*given)

    text = Text("e" * 50)
    assert masked(text, {f"e-secret-{number:03}" for number in range(500)}) == text
    assert masked(text, {"e", *(f"e-secret-{number:03}" for number in range(500))}) != text
    assert Text.compared == len(text)
