# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v3: its routes, operations, rules and error bodies.

Written only from the published descriptions [doc] and from what clients of the real service met [seen]. It shares no
code with the plugins of the collection, so that a mistake in one is not repeated in the other.
"""
