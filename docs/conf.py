# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes the documentation site. `make docs` runs it on the pages that antsibull-docs has written."""

from __future__ import annotations

import pathlib
import re

_GALAXY = pathlib.Path(__file__).resolve().parent.parent / "galaxy.yml"

project = "mailfleet.sendgrid"
author = "The mailfleet.sendgrid contributors"
project_copyright = f"2026, {author}"
release = version = re.search(r"^version: (\S+)$", _GALAXY.read_text(encoding="utf-8"), re.MULTILINE)[1]
language = "en"

extensions = ["sphinx_antsibull_ext"]
# What antsibull-docs refers to in the documentation of ansible-core. Its list of targets would have to be downloaded.
nitpick_ignore = [
    ("std:ref", name) for name in ("action_plugins", "ansible_configuration_settings", "common_return_values")
]
nitpick_ignore_regex = [("std:envvar", "ANSIBLE_.*")]

# A "--" in text is an option of a command, not a dash.
smartquotes = False
highlight_language = "yaml"
pygments_style = "friendly"
pygments_dark_style = "native"

html_theme = "furo"
html_title = f"{project} {release}"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
