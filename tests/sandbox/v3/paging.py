# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters `limit` and `offset` of a list."""

from __future__ import annotations

from . import validation
from .behaviours import ErrorItem
from .context import Context


def page_errors(ctx: Context) -> list[ErrorItem]:
    limit, offset = ctx.call.query_value("limit"), ctx.call.query_value("offset")
    return validation.whole_number("limit", limit, 1) + validation.whole_number("offset", offset, 0)


def page_of(ctx: Context, default: int, maximum: int) -> tuple[int, int]:
    """The limit and the offset of a page."""
    asked = ctx.call.query_value("limit")
    limit = min(default if asked is None else int(asked), maximum)
    return ctx.switches.page_size(limit), int(ctx.call.query_value("offset") or 0)
