# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes the documentation site. `make docs` runs it on the pages that antsibull-docs has written."""

from __future__ import annotations

import pathlib
import re
from typing import Any

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

# Dashes only: quotes stay as they are written.
smartquotes_action = "D"
highlight_language = "yaml"
pygments_style = "friendly"
pygments_dark_style = "native"

html_theme = "furo"
html_title = f"{project} {release}"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
# What the search found is read once more for an excerpt, which a browser forbids for pages that it opened as files.
html_show_search_summary = False
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# The colours are in site.css.
antsibull_ext_color_scheme = "none"

# Furo lists the sections of a page by itself, and complains about a second list.
_CONTENTS = re.compile(r"^\.\. contents::\n(?:   :.*\n)*", re.MULTILINE)
# In the index, a heading and the list of pages under it; and in such a list, the page of a plugin or a role.
_LIST_OF_PAGES = re.compile(
    r"^(?P<heading>.+)\n(?P<line>[-~]+)\n(?P<text>(?:(?![-~]{3}).*\n)*?)\.\. toctree::\n(?=(?: +:.*\n)*\n +\w)",
    re.MULTILINE,
)
_PAGE = re.compile(r"(?<=^    )((\w+)_(?:module|filter|inventory|role))$", re.MULTILINE)


def fit_for_sidebar(app: Any, page: str, source: list[str]) -> None:
    """Gives the lists of the index a caption and their entries short names, for the sidebar of the theme.

    The title of the index is the collection's name as it is written, not with capitals.
    """
    source[0] = _CONTENTS.sub("", source[0])
    if page == app.config.root_doc:
        named = source[0].replace(project.title(), project, 1)
        captioned = _LIST_OF_PAGES.sub(r"\g<0>    :caption: \g<heading>\n", named)
        source[0] = _PAGE.sub(r"\2 <\1>", captioned)


def setup(app: Any) -> None:
    app.connect("source-read", fit_for_sidebar)
