# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many mails a customer can send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..store import UNLIMITED
from .behaviours import ErrorItem, ErrorReason, of_field
from .context import Context

TYPES = ("recurring", "nonrecurring", "unlimited")
FREQUENCIES = ("monthly", "weekly", "daily")
_TYPE_TEXT = "Type should be set to 'recurring', 'nonrecurring', or 'unlimited'"


def errors(sent: Mapping[str, Any]) -> list[ErrorItem]:
    """[doc] The values of each type. [own]: a total and a frequency are required, and the texts."""
    kind, total, frequency = sent.get("type"), sent.get("total"), sent.get("reset_frequency")
    if kind not in TYPES:
        return [of_field("type", _TYPE_TEXT)]
    found = []
    if kind == "recurring":
        if frequency not in FREQUENCIES:
            found.append(of_field("reset_frequency", f"reset_frequency must be one of: {', '.join(FREQUENCIES)}"))
    elif "reset_frequency" in sent:
        found.append(of_field("reset_frequency", f"reset_frequency is not allowed with type {kind}"))
    if kind == "unlimited":
        if "total" in sent:
            found.append(of_field("total", "total is not allowed with type unlimited"))
    elif isinstance(total, bool) or not isinstance(total, int) or total < 1:
        found.append(of_field("total", "total must be an integer from 1 on"))
    return found


def allocation(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The stored and shown values. The total of nonrecurring credits cannot be read [doc]."""
    kind, total = sent["type"], sent.get("total")
    if kind == "unlimited":
        return UNLIMITED
    recurs = kind == "recurring"
    return {
        "type": kind,
        "reset_frequency": sent["reset_frequency"] if recurs else None,
        "remain": total,
        "total": total if recurs else None,
        "used": 0 if recurs else None,
    }


def get_credits(ctx: Context) -> Any:
    return ctx.store.read_customer(ctx.find_subuser(ErrorReason.UNKNOWN_CREDITS))["credits"]


def set_credits(ctx: Context) -> Any:
    number = ctx.find_subuser(ErrorReason.UNKNOWN_CREDITS)
    sent = ctx.call.content if isinstance(ctx.call.content, dict) else {}
    ctx.refuse_if(errors(sent))
    return _store(ctx, number, allocation(sent))


def change_credits(ctx: Context) -> Any:
    """Add to the remaining credits or subtract, down to 0 [own]. Unlimited credits cannot be changed [own]."""
    number = ctx.find_subuser(ErrorReason.UNKNOWN_CREDITS)
    change = ctx.call.body_value("allocation_update")
    current = ctx.store.read_customer(number)["credits"]
    if isinstance(change, bool) or not isinstance(change, int):
        ctx.refuse_if([of_field("allocation_update", "allocation_update must be an integer")])
    if current["remain"] is None:
        ctx.refuse_if([of_field("allocation_update", "credits are unlimited")])
    return _store(ctx, number, {**current, "remain": max(0, current["remain"] + change)})


def _store(ctx: Context, number: int, credits: dict[str, Any]) -> dict[str, Any]:
    ctx.store.change_customer(number, {"credits": json.dumps(credits)})
    return credits
