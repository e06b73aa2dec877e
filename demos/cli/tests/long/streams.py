"""Streams of any length, in pieces of about a mebibyte that are made as they are taken."""

import base64
import json
import random
import struct

PIECE = 1 << 20
WORDS = "café 🐶 ".encode()
TEXT = WORDS * (PIECE // len(WORDS))
NOISE = random.Random(1).randbytes(PIECE)


def head(length, content_type="text/json"):
    header = json.dumps({"byteorder": "little", "content-type": content_type, "content-encoding": "utf-8",
                         "content-length": length}).encode()
    return struct.pack(">H", len(header)) + header


def repeated(piece, total):
    """The piece again and again, up to this length."""
    for _ in range(total // len(piece)):
        yield piece
    if rest := piece[:total % len(piece)]:
        yield rest


def long(total):
    """One message, whose content has about this length: it does not end inside a character."""
    total -= total % len(WORDS)
    yield head(total)
    yield from repeated(TEXT, total)


SMALL = head(4000) + b'"' + b"x" * 3998 + b'"'


def small(total):
    """Messages of some thousand bytes."""
    block = SMALL * (PIECE // len(SMALL))
    for _ in range(total // len(block) or 1):
        yield block


def faulty(total):
    """A message, and then what is none."""
    yield SMALL
    yield from repeated(NOISE, total)


def noise(total):
    yield from repeated(NOISE, total)


def nearly(total):
    """What looks like the beginning of a header at every fourth byte."""
    yield from repeated(b'xx{"a":{"' * (PIECE // 9), total)


def whole(stream, size):
    """The same stream in pieces of which all but the last are as long as a multiple of this."""
    rest = b""
    for piece in stream:
        rest += piece
        cut = len(rest) // size * size
        yield rest[:cut]
        rest = rest[cut:]
    yield rest


def as_hex(total):
    """A long message in hex digits, without an end of a line."""
    for piece in long(total // 2):
        yield piece.hex().encode()


def as_base64(total):
    for piece in whole(long(total * 3 // 4), 3):
        yield base64.b64encode(piece)


def as_python(total):
    """A long message in one literal."""
    yield b"b'"
    for piece in long(total // 4):
        yield b"\\x" + piece.hex("x").replace("x", "\\x").encode()
    yield b"'"


def as_log(total):
    """A long message in many literals, whose lines name a connection, amid other lines."""
    for piece in long(total // 4):
        for at in range(0, len(piece), 1000):
            literal = piece[at:at + 1000].hex("x").replace("x", "\\x")
            yield f"Ready\nSending b'\\x{literal}' to ('127.0.0.1', 65432)\n".encode()


def as_array(total):
    yield b"unsigned char stream[] = {"
    for piece in long(total // 5):
        yield b"0x" + piece.hex(",").replace(",", ",0x").encode() + b","
    yield b"};"


def as_dump(total):
    """A long message of which most rows repeat the last one."""
    body = total // 16 * 16
    padding = 16 - len(head(body)) % 16
    start = head(body + padding) + b" " * padding
    rows = [f"{at:08x}  {start[at:at + 16].hex(' ')}" for at in range(0, len(start), 16)]
    rows += [f"{len(start):08x}  {(b' ' * 16).hex(' ')}", "*", f"{len(start) + body:08x}", ""]
    yield "\n".join(rows).encode()


def as_packets(total):
    """A capture file with a long message that a client sends; its sequence numbers begin anew after 4 GiB."""
    def record(sequence, flags, payload=b""):
        tcp = struct.pack(">HHIIBBHHH", 40000, 65432, sequence % 2**32, 0, 5 << 4, flags, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\2")
        length = 40 + len(payload)
        return struct.pack("<IIII", 0, 0, length, length) + ip + tcp + payload

    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101) + record(0, 2)
    sequence = 1
    for piece in long(total):
        for at in range(0, len(piece), 60000):
            payload = piece[at:at + 60000]
            yield record(sequence, 16, payload)
            sequence += len(payload)


def endless_line(total):
    """A line of JSON that does not end."""
    yield b'{"event":"header","content_type":"'
    yield from repeated(b"x" * PIECE, total)
