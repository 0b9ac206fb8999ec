# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Limits for the bytes of an answer: its lines, its body, and the memory of all answers of this process.

All answers together hold 64 MiB: up to 64 calls run at the same time, each holds up to 64 KiB without waiting (half of
it lines of HTTP, half of it body), and one of them holds up to 60 MiB. No version of the libraries has all of these
limits. urllib3 1.26 reads lines of any length, urllib3 2 reads any number of lines. Both read everything that follows a
chunk size of -1. Before version 2.6, urllib3 makes up to 64 MiB of one piece of gzip.
"""

from __future__ import annotations

import http.client
import io
import threading
import typing as t
import zlib

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, CallError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import whole_number

# Bytes that every answer may hold at the same time as others.
SMALL_ANSWER = 32 * 1024
# Bytes of status line, headers, chunk sizes and trailers of one answer. Each byte of the body allows one more, because
# a body may come in chunks of one byte.
_FREE_LINES = 32 * 1024
_PIECE = 32 * 1024
# For zlib: gzip and nothing else.
_GZIP = 31


class UnboundedAnswer(http.client.HTTPException):
    """The lines of an answer are too long to be meant, or the size of a chunk is not valid."""


class BoundedReader(io.BufferedReader):
    """The file of a socket. It raises an error for an answer with endless lines."""

    def __init__(self, raw: t.Any) -> None:
        super().__init__(raw)
        self._lines_left = _FREE_LINES

    def readline(self, size: int | None = -1) -> bytes:
        """One line. Raises UnboundedAnswer if the lines are too long in all."""
        most = self._lines_left + 1
        line = super().readline(most if size is None or size < 0 else min(size, most))
        self._lines_left -= len(line)
        if self._lines_left < 0:
            raise UnboundedAnswer("lines without end")
        return line

    def read(self, size: int | None = -1) -> bytes:
        """Bytes of the body. Raises UnboundedAnswer if the caller gives no size."""
        if size is None or size < 0:
            raise UnboundedAnswer("no size")
        data = super().read(size)
        self._lines_left += len(data)
        return data

    def readinto(self, buffer: t.Any) -> int:
        """The same, into a buffer."""
        count = super().readinto(buffer)
        self._lines_left += count
        return count


class BoundedResponse(http.client.HTTPResponse):
    """The response class for connections of http.client and urllib3."""

    def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(*arguments, **options)
        file: t.Any = self.fp
        self.fp = BoundedReader(file.detach())


_ONE_LARGE_ANSWER = threading.Lock()


class Room:
    """Room for one answer that is larger than SMALL_ANSWER. A context manager that releases the room at its end.

    The process has room for one such answer. The thread that has the room waits for no other thread, so the room is
    free again as soon as that answer is read and decoded.
    """

    def __init__(self) -> None:
        self._is_taken = False

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_error: t.Any) -> None:
        if self._is_taken:
            self._is_taken = False
            _ONE_LARGE_ANSWER.release()

    def take(self, seconds: float) -> None:
        """Takes the room. Waits for it up to `seconds`, then raises CallError."""
        if self._is_taken:
            return
        self._is_taken = _ONE_LARGE_ANSWER.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))
        if not self._is_taken:
            raise CallError("the answer waited too long for other large answers", MAYBE_APPLIED, transient=True)


def read_body(response: t.Any, largest: int, room: Room, seconds_left: t.Callable[[], float]) -> bytes:
    """The whole body of an answer of requests, decompressed, of `largest` bytes at most.

    `seconds_left`: how long it may wait for room. Raises CallError if the body is too large, cannot be decompressed or
    is incomplete. Raises the errors of the libraries if they cannot read the body.
    """
    body = io.BytesIO()
    packed = _Packed(response.headers)
    received = 0
    for piece in response.raw.stream(_PIECE, decode_content=False):
        received += len(piece)
        # A compressed answer may go on for ever and decompress to nothing.
        _check_size(received, largest)
        for part in packed.unpack(piece):
            size = body.tell() + len(part)
            _check_size(size, largest)
            if size > SMALL_ANSWER:
                room.take(seconds_left())
            body.write(part)
    _check_whole(response.headers, received, packed)
    # `getvalue` shares the buffer and copies nothing.
    return body.getvalue()


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise CallError(f"the answer is larger than {largest // 1024 // 1024} MiB", MAYBE_APPLIED)


def _check_whole(headers: t.Mapping[str, str], received: int, packed: _Packed) -> None:
    """Raises CallError for a body that ends early. Older versions of urllib3 do not notice that."""
    announced = whole_number(headers.get("Content-Length", ""))
    if announced not in (None, received) or (received and not packed.is_whole):
        raise CallError("the answer ended early", MAYBE_APPLIED, transient=True)


class _Packed:
    """Decompresses a body in limited pieces. Raises CallError for an encoding that the call did not ask for."""

    def __init__(self, headers: t.Mapping[str, str]) -> None:
        packing = headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in ("identity", "gzip"):
            raise CallError("the answer has a content encoding that the collection did not ask for", MAYBE_APPLIED)
        self._stream = zlib.decompressobj(_GZIP) if packing == "gzip" else None

    @property
    def is_whole(self) -> bool:
        """Whether the compressed data is complete."""
        return self._stream is None or self._stream.eof

    def unpack(self, piece: bytes) -> t.Iterator[bytes]:
        """The decompressed parts of the next piece. Raises CallError if the piece is damaged."""
        if self._stream is None:
            yield piece
            return
        part = b""
        # zlib may have more output to give even when it has used up all of the input.
        while piece or len(part) == _PIECE:
            if self._stream.eof and not self._starts_another(piece):
                return
            try:
                part = self._stream.decompress(piece, _PIECE)
            except zlib.error:
                raise CallError("the answer cannot be decompressed", MAYBE_APPLIED, transient=True) from None
            piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            yield part

    def _starts_another(self, piece: bytes) -> bool:
        """Whether another gzip stream follows. Anything else, such as zeros, does not belong to the body."""
        if not piece.startswith(b"\x1f"):
            return False
        self._stream = zlib.decompressobj(_GZIP)
        return True
