# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v3: its routes, operations, rules and error bodies.

Written from the published descriptions alone [doc] and from what clients of the real service met [seen]; it shares no
code with the collection's plugins, so that a mistake of one is not a mistake of the other.
"""
