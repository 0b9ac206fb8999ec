# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP addresses of the account, and the customers that send from them."""

from __future__ import annotations

from typing import Any

from ..store import encode_list
from . import validation
from .behaviours import ApiError, ErrorReason
from .context import Context
from .paging import page_errors, page_of

_PAGE_LIMIT = 10
_PAGE_MAXIMUM = 500
_DIRECTIONS = ("asc", "desc")


def set_ips(ctx: Context) -> Any:
    """Assign exactly these IPs. The body is an array. An empty array removes all IPs [own]."""
    number = ctx.find_subuser(ErrorReason.UNKNOWN_TO_ASSIGN)
    values = ctx.call.content
    if not isinstance(values, list):
        ctx.refuse_if([validation.of_field("ips", "ips must be an array of IPv4 addresses")])
    ctx.refuse_if(validation.ips(values, ctx.account))
    if ctx.switches.single_ip and len(values) > 1:
        raise ApiError(ErrorReason.INVALID, validation.IPS_NOT_VALIDATED)
    ctx.store.change_customer(number, {"ips": encode_list(values)})
    return {"ips": values}


def list_ips(ctx: Context) -> Any:
    """A page of the IPs of the account, or of one customer. An unknown customer has no IPs [own]."""
    query = ctx.call.query_value
    direction = query("sort_by_direction")
    ctx.refuse_if(page_errors(ctx) + validation.query_choice("sort_by_direction", direction, _DIRECTIONS))
    rows = [row for row in _rows(ctx) if query("ip") in (None, row["ip"])]
    if query("subuser") is not None:
        rows = [row for row in rows if query("subuser") in row["subusers"]]
    if direction is not None:
        rows.sort(key=lambda row: str(row["ip"]), reverse=direction == "desc")
    limit, offset = page_of(ctx, _PAGE_LIMIT, _PAGE_MAXIMUM)
    return rows[offset : offset + limit]


def _rows(ctx: Context) -> list[dict[str, Any]]:
    """Each IP with its customers. An account without a list has the IPs of its customers [own]."""
    assigned = ctx.store.assigned_ips(ctx.account.api_user)
    known = dict.fromkeys([*(ctx.account.ips or ()), *(ip for ips in assigned.values() for ip in ips)])
    return [
        {
            "ip": ip,
            "subusers": [username for username, ips in assigned.items() if ip in ips],
            "pools": [],
            "warmup": False,
            "start_date": None,
            "whitelabeled": False,
            "assigned_at": None,
        }
        for ip in known
    ]
