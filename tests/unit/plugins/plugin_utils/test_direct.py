# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import sys

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _direct

SPEC = {"word": {"type": "str", "no_log": True}}


def warn_and_return(options, check_mode, _connect):
    return {"changed": check_mode, "said": options["word"], "warnings": ["look out"]}


def output(**arguments):
    return json.loads(_direct.module_output(warn_and_return, dict(SPEC), arguments))


def test_what_a_module_prints_is_returned_and_masked():
    result = output(word="canary-4711", _ansible_check_mode=True)
    assert result["changed"] is True
    assert result["said"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert "canary" not in str(result)
    assert "look out" in str(result["warnings"])


def test_nothing_of_a_task_is_left_in_the_process(capsys, monkeypatch):
    # What tests of other files left behind must not be taken for ours.
    monkeypatch.setattr(basic, "_PARSED_MODULE_ARGS", None, raising=False)
    environment, folder = dict(os.environ), os.getcwd()
    output(word="canary-4711")
    assert basic._ANSIBLE_ARGS is None
    assert getattr(basic, "_PARSED_MODULE_ARGS", None) is None
    assert not module_warnings._global_warnings
    assert (dict(os.environ), os.getcwd()) == (environment, folder)
    assert capsys.readouterr() == ("", "")
    assert "warnings" not in json.loads(_direct.module_output(lambda *_: {"changed": False}, dict(SPEC), {}))


def test_this_python_is_told_from_another_environment_with_the_same_file(tmp_path):
    assert _direct._is_this_python(sys.executable)
    other = tmp_path / "python"
    other.symlink_to(os.path.realpath(sys.executable))
    assert not _direct._is_this_python(str(other))
    assert not _direct._is_this_python("/no/such/python")
