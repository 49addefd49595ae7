# SPDX-License-Identifier: MIT
"""The original's message frames, with the reference LZ4 (liblz4) doing the compression."""
import ctypes
import struct

CHUNK = 60 * 1024
_lz4 = ctypes.CDLL("liblz4.so.1")


def encode(message):
    room = _lz4.LZ4_compressBound(len(message))
    block = ctypes.create_string_buffer(room)
    length = _lz4.LZ4_compress_default(message, block, len(message), room)
    if length <= 0:
        raise ValueError("liblz4 did not compress")
    return struct.pack(">I", 4 + length) + struct.pack("<I", len(message)) + block.raw[:length]


def chunks(frame):
    return [frame[at:at + CHUNK] for at in range(0, len(frame), CHUNK)]


class Decoder:
    """Takes the stream in pieces of any size; answers the messages that became complete."""

    def __init__(self):
        self._bytes = bytearray()

    def push(self, piece):
        self._bytes += piece
        messages = []
        while len(self._bytes) >= 8:
            length, = struct.unpack_from(">I", self._bytes)
            if len(self._bytes) < 4 + length:
                break
            size, = struct.unpack_from("<I", self._bytes, 4)
            message = ctypes.create_string_buffer(max(size, 1))
            got = _lz4.LZ4_decompress_safe(bytes(self._bytes[8:4 + length]), message, length - 4, size)
            if got != size:
                raise ValueError(f"liblz4 decodes {got} bytes, the frame announces {size}")
            messages.append(message.raw[:size])
            del self._bytes[:4 + length]
        return messages
