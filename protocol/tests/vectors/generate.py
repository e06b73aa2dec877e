#!/usr/bin/env python3
"""Writes the test vectors of jsonframe: `generate.py` the files beside it, `generate.py --check` compares.

Every expectation here is written down from the specification; no decoder is run. What is computed is only
arithmetic: bytes to hex, header lengths, and the offset of a place marked in a text. Python 3.9 or later.

Headers are written as text with these marks:

    ‸           the place of the fault, or where the stream ends
    ‹C3 28›     raw bytes, in hex
    «4»         the four required members, in the usual order, with content-length 0
    «3»         the same without content-length
    «-NAME»     the same as «4» without the required member NAME
"""

import json
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).parent
REQUIRED = {
    "byteorder": '"byteorder": "little"',
    "content-type": '"content-type": "text/json"',
    "content-encoding": '"content-encoding": "utf-8"',
    "content-length": '"content-length": 0',
}
STRINGS = ("byteorder", "content-type", "content-encoding")
# Fields of a kind that are always the same.
ALWAYS = {"invalid-byteorder": {"member": "byteorder"}, "invalid-content-length": {"member": "content-length"}}
MARK = re.compile("‸|‹[0-9A-F ]+›|«[^»]+»")


# ------------------------------------------------------------------------------------------ how to write


def expand(text):
    """The bytes that a text stands for, and the offset of its ‸ (or None)."""
    data, mark, at = b"", None, 0
    for match in MARK.finditer(text):
        data += text[at : match.start()].encode("utf-8")
        at = match.end()
        token = match.group()
        if token == "‸":
            assert mark is None, f"two marks: {text}"
            mark = len(data)
        elif token[0] == "‹":
            data += bytes.fromhex(token[1:-1])
        else:
            without = {"4": "", "3": "content-length"}.get(token[1:-1], token[2:-1])
            assert without == "" or without in REQUIRED, token
            data += ", ".join(REQUIRED[name] for name in REQUIRED if name != without).encode()
    return data + text[at:].encode("utf-8"), mark


def prefixed(header, form=">H"):
    return struct.pack(form, len(header)) + header


class Stream:
    """A stream under construction: its bytes and the events they must give."""

    def __init__(self, form=">H", before=b""):
        self.form = form  # of the proto-header, as `struct` has it
        self.before = before  # what comes before it, unless something else is said
        self.size = len(before) + struct.calcsize(form)  # of all that comes before a header
        self.data = b""
        self.events = []
        self.texts = []

    def message(self, text="{«4»}", content=b"", before=None, **expected):
        """A message that is accepted: what differs from the defaults is said in `expected`. With a
        content_length over the length of content, the stream ends inside the content."""
        header, mark = expand(text)
        assert mark is None, text
        content = content.encode("utf-8") if isinstance(content, str) else content
        start = len(self.data)
        before = self.before if before is None else before
        assert len(before) == len(self.before)
        self._add(text, before + prefixed(header, self.form) + content)
        self.events.append(header_event(start, len(header), len(content), **expected))
        if before:
            self.events[-1]["prefix"] = before.hex()
        length = self.events[-1]["content_length"]
        if length == len(content):
            self.content(content)
        else:
            self.truncated(length - len(content))
        return self

    def content(self, content):
        """The events of the content that stands at the end of the stream now."""
        end = len(self.data)
        self.events.append(
            {"event": "content", "offset": end - len(content), "length": len(content), "hex": content[:64].hex()}
        )
        self.events.append({"event": "end", "offset": end})
        return self

    def fault(self, text, kind, after=b"", **fields):
        """A whole header with a fault at ‸; `after` are bytes behind it, which must not matter."""
        header, mark = expand(text)
        assert mark is not None, text
        offset = len(self.data) + self.size + mark
        self._add(text, self.before + prefixed(header, self.form) + after)
        fields = {**ALWAYS.get(kind, {}), **fields}
        self.events.append({"event": "error", "kind": kind, **fields, "offset": offset})
        return self

    def prefix_fault(self, data, kind, **fields):
        """A proto-header that is refused; the fault is at its start."""
        offset = len(self.data) + len(self.before)
        self._add("", self.before + data)
        self.events.append({"event": "error", "kind": kind, **fields, "offset": offset})
        return self

    def foreign(self, data, space=0):
        """Bytes of which the third, or the first after white space, begins no header, whatever follows."""
        offset = len(self.data) + self.size + space
        self._add("", self.before + data)
        self.events.append({"event": "error", "kind": "not-an-object", "offset": offset})
        return self

    def too_long(self, text, content_length, limit, content=b"", **expected):
        """A good header whose content-length is over the receiver's limit."""
        header, mark = expand(text)
        assert mark is None, text
        start = len(self.data)
        self._add(text, prefixed(header))
        self.events.append(header_event(start, len(header), content_length, **expected))
        fault = {"event": "error", "kind": "content-too-long", "length": content_length, "limit": limit}
        self.events.append({**fault, "offset": len(self.data)})
        self.data += content
        return self

    def half_prefix(self, byte=0, lacking=1):
        """What comes before a header, but for the last bytes of it."""
        self._add("", bytes([byte] * (self.size - lacking)))
        return self.truncated(lacking)

    def half_header(self, text):
        """A header of which only the bytes before ‸ come."""
        header, mark = expand(text)
        assert mark is not None and mark < len(header), text
        self._add(text, prefixed(header)[: 2 + mark])
        return self.truncated(len(header) - mark)

    def truncated(self, missing):
        self.events.append({"event": "truncated", "offset": len(self.data), "missing": missing})
        return self

    def _add(self, text, data):
        assert not self.events or self.events[-1]["event"] == "end", "nothing follows a fault"
        self.data += data
        self.texts.append(text)


def header_event(
    offset,
    header_length,
    actual_length,
    byteorder="little",
    content_type="text/json",
    content_encoding="utf-8",
    content_length=None,
    extensions=None,
):
    return {
        "event": "header",
        "offset": offset,
        "header_length": header_length,
        "byteorder": byteorder,
        "content_type": content_type,
        "content_encoding": content_encoding,
        "content_length": actual_length if content_length is None else content_length,
        "extensions": extensions or {},
    }


FILES = {}
NAMES = set()
current = None  # the file under construction
current_spec = None  # and the section of the specification


def section(spec):
    global current_spec
    current_spec = spec


def theme(name, spec, description):
    global current
    section(spec)
    current = FILES[name + ".json"] = {"description": description, "spec": spec, "vectors": []}


def add(name, spec, comment, **members):
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) and name not in NAMES, name
    NAMES.add(name)
    assert 0 < len(comment) <= 250, f"{name} needs a shorter comment: {comment}"
    members = {member: value for member, value in members.items() if value is not None}
    current["vectors"].append({"name": name, "spec": spec or current_spec, "comment": comment, **members})


def vector(name, stream, comment=None, spec=None, canonical=False, capacity=None, limit=None, dialect=None):
    if canonical:
        content = stream.events[1]
        assert [event["event"] for event in stream.events] == ["header", "content", "end"], name
        assert len(content["hex"]) == 2 * content["length"], "an encoder needs all of the content"
        extensions = list(stream.events[0]["extensions"])
        assert extensions == sorted(extensions), "so that no order is asked of the readers of this file"
    add(
        name,
        spec,
        comment or " then ".join(stream.texts),
        dialect=dialect,
        bytes=stream.data.hex(),
        canonical=canonical or None,
        header_capacity=capacity,
        content_limit=limit,
        events=stream.events,
    )


def accept(name, text, content=b"", comment=None, spec=None, canonical=False, **expected):
    vector(name, Stream().message(text, content, **expected), comment, spec, canonical)


def refuse(name, text, kind, comment=None, spec=None, after=b"", **fields):
    vector(name, Stream().fault(text, kind, after, **fields), comment, spec)


# ---------------------------------------------------------------------------------------------- the cases

NEEDLE = (
    '{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 39}',
    '{"action": "search", "value": "needle"}',
)
NO_MATCH = (
    '{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 38}',
    r'{"result": "No match for \"needle\"."}',
)


def golden():
    theme(
        "golden",
        "4",
        "Whole messages as a sender emits them. An encoder must produce the canonical ones byte for byte.",
    )

    def json_message(name, length, content, comment=None):
        text = '{"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": %d}'
        accept(name, text % length, content, comment, canonical=True)

    def extended(name, members, comment=None, **extensions):
        accept(name, "{«4», " + members + "}", b"", comment, canonical=True, **extensions)

    accept("golden-request", *NEEDLE, comment="A search request: 2 + 103 + 39 bytes.", canonical=True)
    accept("golden-reply", *NO_MATCH, comment="The reply to it: 2 + 103 + 38 bytes.", canonical=True)
    vector(
        "golden-conversation", Stream().message(*NEEDLE).message(*NO_MATCH), "The two golden messages in one stream."
    )
    json_message(
        "reply-morpheus", 43, '{"result": "Follow the white rabbit. 🐰"}', "Content with a character of four bytes."
    )
    json_message(
        "reply-ring",
        60,
        '{"result": "In the caves beneath the Misty Mountains. 💍"}',
        "Content-length counts bytes, not characters.",
    )
    json_message("request-dog", 37, '{"action": "search", "value": "🐶"}', "A request whose value is one emoji.")
    json_message("reply-dog", 37, '{"result": "🐾 Playing ball! 🏐"}', "A reply with two emoji.")
    json_message("reply-invalid-action", 44, r'{"result": "Error: invalid action \"foo\"."}')
    accept(
        "binary-request",
        '{"byteorder": "little", "content-type": "binary/custom-client-binary-type", '
        '"content-encoding": "binary", "content-length": 10}',
        "binary😃",
        canonical=True,
        content_type="binary/custom-client-binary-type",
        content_encoding="binary",
    )
    accept(
        "binary-reply",
        '{"byteorder": "little", "content-type": "binary/custom-server-binary-type", '
        '"content-encoding": "binary", "content-length": 37}',
        "First 10 bytes of request: binary😃",
        canonical=True,
        content_type="binary/custom-server-binary-type",
        content_encoding="binary",
    )
    accept(
        "big-endian-content",
        '{"byteorder": "big", "content-type": "binary/u32", "content-encoding": "binary", "content-length": 8}',
        b"\x00\x00\x00\x01\xff\xff\xff\xff",
        "byteorder is about the content's own data; the proto-header stays big-endian.",
        canonical=True,
        byteorder="big",
        content_type="binary/u32",
        content_encoding="binary",
    )
    accept("empty-content", "{«4»}", b"", "A message without content is whole with its header.", canonical=True)
    accept(
        "all-byte-values-begin",
        '{"byteorder": "little", "content-type": "binary", "content-encoding": "binary", "content-length": 32}',
        bytes(range(32)),
        "Content is opaque: all control bytes.",
        canonical=True,
        content_type="binary",
        content_encoding="binary",
    )
    accept(
        "content-not-utf8",
        '{"byteorder": "little", "content-type": "binary", "content-encoding": "binary", "content-length": 5}',
        b"\xff\xfe\x80\xc0\xed",
        "Content is opaque: bytes that no UTF-8 text has.",
        canonical=True,
        content_type="binary",
        content_encoding="binary",
    )
    accept(
        "empty-strings",
        '{"byteorder": "big", "content-type": "", "content-encoding": "", "content-length": 1}',
        b"x",
        canonical=True,
        byteorder="big",
        content_type="",
        content_encoding="",
    )

    def content_type(name, escaped, value, comment=None):
        text = '{"byteorder": "little", "content-type": "%s", "content-encoding": "utf-8", "content-length": 0}'
        accept(name, text % escaped, b"", comment, canonical=True, content_type=value)

    content_type("emit-quote-and-backslash", r"a\"b\\c", 'a"b\\c')
    content_type("emit-slash-unescaped", "a/b", "a/b")
    content_type("emit-short-escapes", r"\b\f\n\r\t", "\b\f\n\r\t")
    content_type(
        "emit-long-escapes-low",
        r"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u000b\u000e\u000f",
        "\0\x01\x02\x03\x04\x05\x06\x07\x0b\x0e\x0f",
        "Other bytes below 0x20 as \\u00xx with lower-case hex.",
    )
    content_type(
        "emit-long-escapes-high",
        r"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f",
        "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f",
        "The other half of the bytes below 0x20.",
    )
    content_type("emit-delete-raw", "a‹7F›b", "a\x7fb")
    content_type(
        "emit-two-byte-raw", "é‹C2 80›߿", "é\x80\u07ff", "Everything beyond ASCII is emitted raw: two-byte characters."
    )
    content_type(
        "emit-three-byte-raw",
        "€‹E2 80 A8 EF BB BF EF BF BF›",
        "€\u2028\ufeff\uffff",
        "Three-byte characters, U+2028 and U+FEFF too.",
    )
    content_type("emit-four-byte-raw", "🐰‹F4 8F BF BF›", "🐰\U0010ffff", "Four-byte characters.")
    content_type("emit-not-html-safe", "<&'>", "<&'>")

    extended("extension-string", '"x": "y"', extensions={"x": "y"})
    extended("extension-empty-name", '"": ""', extensions={"": ""})
    extended("extension-integer", '"id": 7', extensions={"id": 7})
    extended("extension-negative", '"id": -7', extensions={"id": -7})
    extended("extension-largest-safe-integer", '"id": 9007199254740991', extensions={"id": 9007199254740991})
    extended("extension-true", '"x": true', extensions={"x": True})
    extended("extension-false", '"x": false', extensions={"x": False})
    extended("extension-null", '"x": null', extensions={"x": None})
    extended("extension-array", '"x": [1, "b", null]', extensions={"x": [1, "b", None]})
    extended("extension-object", '"x": {"a": 1, "b": 2}', extensions={"x": {"a": 1, "b": 2}})
    extended("extension-empty-array", '"x": []', extensions={"x": []})
    extended("extension-empty-object", '"x": {}', extensions={"x": {}})
    extended("extension-nested", '"x": [{"a": [[]]}, {}]', extensions={"x": [{"a": [[]]}, {}]})
    extended("extension-name-escaped", r'"a\"\n": "\u001f"', extensions={'a"\n': "\x1f"})
    extended("extension-name-not-ascii", '"größe": "🐶"', extensions={"größe": "🐶"})
    extended("extensions-three", '"a": 1, "b": "2", "c": [3]', extensions={"a": 1, "b": "2", "c": [3]})
    extended("extension-like-required", '"Content-Length": -1', extensions={"Content-Length": -1})


def framing():
    theme("framing", "2", "How a stream falls into messages: the proto-header, and messages one after another.")
    vector("empty-stream", Stream(), "A stream without a byte ends cleanly.", spec="5.5")
    vector("one-message", Stream().message(), "{«4»}")
    vector("empty-messages-back-to-back", Stream().message().message().message(), "Three messages without content.")
    vector(
        "empty-content-then-content",
        Stream().message().message(*NEEDLE).message(),
        "Messages without content around one with content.",
    )
    vector(
        "content-then-empty-content",
        Stream().message(*NEEDLE).message().message(*NO_MATCH),
        "A message without content between two with content.",
    )
    vector(
        "eight-messages",
        Stream()
        .message()
        .message(*NEEDLE)
        .message()
        .message('{«3», "content-length": 1}', "x")
        .message('{«3», "content-length": 2}', "\0\0")
        .message()
        .message(*NO_MATCH)
        .message(),
        "Eight messages of different lengths.",
    )
    vector(
        "content-looks-like-a-message",
        Stream().message('{«3», "content-length": 105}', prefixed(expand(NEEDLE[0])[0])).message(),
        "Content that is itself a proto-header and a header.",
    )
    vector(
        "content-looks-like-an-empty-header",
        Stream().message('{«3», "content-length": 6}', b"\0\0\0\0\0\0").message(),
        "Content of zeros only.",
    )
    vector(
        "content-of-one-byte",
        Stream().message('{«3», "content-length": 1}', b"{").message('{«3», "content-length": 1}', b"}"),
        "Messages with one byte of content.",
    )

    def padded(length, **more):
        header = expand("{«4»}")[0]
        return Stream().message("{«4»" + " " * (length - len(header)) + "}", **more)

    for length in (103, 254, 255, 256, 257, 511, 512, 1023, 1024, 1500):
        vector(f"header-of-{length}-bytes", padded(length), f"A header padded with spaces to {length} bytes.")
    for length in (63, 64, 65, 66, 255, 256, 257):
        vector(
            f"content-of-{length}-bytes",
            Stream().message('{«3», "content-length": %d}' % length, bytes(n % 251 for n in range(length))),
            f"Content of {length} bytes; the expected hex shows at most the first 64.",
        )
    vector(
        "empty-header",
        Stream().prefix_fault(b"\0\0", "empty-header"),
        "Header length 0, then the end of the stream.",
        spec="5.3",
    )
    vector(
        "empty-header-then-bytes",
        Stream().prefix_fault(b"\0\0" + expand("{«4»}")[0], "empty-header"),
        "Header length 0, although a header follows.",
        spec="5.3",
    )
    vector(
        "empty-header-second",
        Stream().message(*NEEDLE).prefix_fault(b"\0\0\0g", "empty-header"),
        "Zero padding between two messages.",
        spec="5.3",
    )
    vector(
        "empty-header-third",
        Stream().message().message(*NO_MATCH).prefix_fault(b"\0\0", "empty-header"),
        "Header length 0 in the third message.",
        spec="5.3",
    )
    vector(
        "newline-between-messages",
        Stream().message().prefix_fault(b"\n\x00g", "header-too-long", length=0x0A00, capacity=1024),
        "Nothing stands between messages: a newline is the high byte of a length.",
        spec="5.3",
        capacity=1024,
    )
    vector(
        "http-request",
        Stream().prefix_fault(b"GET / HTTP/1.1\r\n\r\n", "header-too-long", length=0x4745, capacity=4096),
        "A peer that speaks HTTP is refused on its first two bytes.",
        spec="5.3",
        capacity=4096,
    )
    vector(
        "tls-client-hello",
        Stream().prefix_fault(b"\x16\x03\x01\x02\x00", "header-too-long", length=0x1603, capacity=4096),
        "A peer that speaks TLS is refused on its first two bytes.",
        spec="5.3",
        capacity=4096,
    )
    vector(
        "header-without-prefix",
        Stream().prefix_fault(expand("{«4»}")[0], "header-too-long", length=0x7B22, capacity=4096),
        "A header without its proto-header.",
        spec="5.3",
        capacity=4096,
    )
    stream = Stream()
    stream.data = b"\x67\x00" + expand(NEEDLE[0])[0] + NEEDLE[1].encode()
    vector(
        "little-endian-prefix",
        stream.truncated(0x6700 - 103 - 39),
        "A proto-header in the wrong byte order announces 26,368 bytes.",
        spec="5.5",
    )
    stream = Stream()
    stream.data = b"\0\0\0\x67" + expand(NEEDLE[0])[0]
    stream.events = [{"event": "error", "kind": "empty-header", "offset": 0}]
    vector("four-byte-prefix", stream, "A length of four bytes reads as header length 0.", spec="5.3")
    refuse("header-of-one-byte", "{‸", "unexpected-end", spec="5.3")
    refuse("header-of-one-byte-not-an-object", "‸x", "not-an-object", spec="5.3")
    refuse(
        "header-cut-short-by-its-length",
        "{«4»‸",
        "unexpected-end",
        after=b"}",
        comment="The length is one too small: the closing brace is not part of the header.",
        spec="5.3",
    )
    refuse(
        "header-length-takes-content",
        "{«4»}‸{",
        "trailing-data",
        after=b"}",
        comment="The length is one too large: the header takes a byte of the content.",
        spec="5.3",
    )
    vector(
        "content-length-one-short",
        Stream()
        .message('{«3», "content-length": 1}', b"{")
        .prefix_fault(b"}\0", "header-too-long", length=0x7D00, capacity=4096),
        "A content-length one too small: the content's last byte reads as a proto-header.",
        spec="5.3",
        capacity=4096,
    )
    refuse(
        "nothing-after-a-fault",
        "{«4»,‸}",
        "unexpected-byte",
        after=prefixed(expand("{«4»}")[0]),
        comment="A good message after a fault is not reported.",
        spec="5.3",
    )
    refuse(
        "nothing-after-two-faults",
        "{‸}",
        "missing-member",
        after=b"\0\0\0\0",
        member="byteorder",
        comment="Of two faults only the first is reported.",
        spec="5.3",
    )


def accepted():
    theme("accept", "5.2", "Headers no encoder of this project emits, and a receiver accepts.")
    parts = {
        "b": '"byteorder": "big"',
        "t": '"content-type": "t"',
        "e": '"content-encoding": "e"',
        "l": '"content-length": 3',
    }
    for order in ("btle", "betl", "lbte", "ltbe", "letb", "tebl", "elbt", "tlbe"):
        accept(
            f"order-{order}",
            "{" + ", ".join(parts[letter] for letter in order) + "}",
            "abc",
            byteorder="big",
            content_type="t",
            content_encoding="e",
        )
    accept(
        "extensions-before-and-between",
        '{"a": 1, "content-length": 3, "b": [], "byteorder": "big", "c": {}, "content-encoding": "e", "d": null, "content-type": "t"}',
        "abc",
        byteorder="big",
        content_type="t",
        content_encoding="e",
        extensions={"a": 1, "b": [], "c": {}, "d": None},
    )
    accept(
        "sorted-keys",
        '{"byteorder": "little", "content-encoding": "utf-8", "content-length": 0, "content-type": "text/json"}',
        comment="As json.dumps with sort_keys=True emits them.",
    )

    accept(
        "no-whitespace",
        '{"byteorder":"little","content-type":"text/json","content-encoding":"utf-8","content-length":2}',
        "{}",
    )
    accept(
        "space-everywhere",
        '{ "byteorder" : "little" , "content-type" : "text/json" , "content-encoding" : "utf-8" , "content-length" : 2 }',
        "{}",
    )
    for name, space in (
        ("tab", "‹09›"),
        ("newline", "‹0A›"),
        ("return", "‹0D›"),
        ("crlf", "‹0D 0A›"),
        ("mixed", " ‹09 0A 0D 20›"),
    ):
        accept(
            f"{name}-everywhere",
            'S{S"byteorder"S:S"little"S,S"content-type"S:S"text/json"S,S"content-encoding"S:S"utf-8"S,S"content-length"S:S0S}S'.replace(
                "S", space
            ),
            comment=f"JSON whitespace at every place it may stand: {name}.",
        )
        accept(
            f"{name}-inside-extension",
            '{«4», "x":S[S1S,S{S"a"S:STS}S,S[S]S,S{S}S]S}'.replace("S", space).replace("T", "true"),
            extensions={"x": [1, {"a": True}, [], {}]},
            comment=f"JSON whitespace inside an extension member: {name}.",
        )
    accept("leading-space", " {«4»}")
    accept("trailing-space", "{«4»} ")
    accept("trailing-newline", "{«4»}‹0A›")
    accept("leading-and-trailing-whitespace", "‹20 09 0A 0D›{«4»}‹20 09 0A 0D›")
    accept(
        "pretty-printed",
        '{\n  "byteorder": "little",\n  "content-type": "text/json",\n  "content-encoding": "utf-8",\n  "content-length": 0\n}\n',
        comment="As json.dumps with indent=2 emits it.",
    )

    accept("escape-in-name-first", r'{"\u0062yteorder": "big", «-byteorder»}', byteorder="big")
    accept("escape-in-name-last", r'{"byteorde\u0072": "big", «-byteorder»}', byteorder="big")
    accept("escape-hyphen-lower", r'{«3», "content\u002dlength": 2}', "ab")
    accept("escape-hyphen-upper", r'{«3», "content\u002Dlength": 2}', "ab")
    accept("escape-hyphen-type", r'{"content\u002dtype": "t", «-content-type»}', content_type="t")
    accept("escape-hyphen-encoding", r'{"content\u002Dencoding": "e", «-content-encoding»}', content_encoding="e")
    accept(
        "name-all-escapes",
        r'{"\u0062\u0079\u0074\u0065\u006f\u0072\u0064\u0065\u0072": "big", «-byteorder»}',
        byteorder="big",
    )
    section("3.1")
    accept("byteorder-value-escaped", r'{"byteorder": "l\u0069ttle", «-byteorder»}')
    accept("byteorder-value-all-escapes", r'{"byteorder": "\u0062\u0069\u0067", «-byteorder»}', byteorder="big")
    section("3.2")
    accept("content-type-escaped-slash", r'{"content-type": "text\/json", «-content-type»}')
    accept(
        "content-type-all-escapes",
        r'{"content-type": "\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\udc30", «-content-type»}',
        content_type='"\\/\b\f\n\r\tAé€🐰',
    )
    accept("escaped-nul-in-content-type", r'{"content-type": "a\u0000b", «-content-type»}', content_type="a\0b")
    accept(
        "content-type-with-parameters",
        '{"content-type": "text/html; charset=\\"utf-8\\"", «-content-type»}',
        content_type='text/html; charset="utf-8"',
    )
    accept(
        "content-type-any-text",
        '{"content-type": " ünïcode {}[],: ", «-content-type»}',
        content_type=" ünïcode {}[],: ",
    )
    accept(
        "content-type-of-300-bytes",
        '{"content-type": "' + "x" * 300 + '", «-content-type»}',
        content_type="x" * 300,
        comment="A content-type of 300 bytes.",
    )
    accept("content-type-empty", '{"content-type": "", «-content-type»}', content_type="")
    accept(
        "content-type-contradicts-content",
        '{«3», "content-length": 3}',
        b"\xff\x00\x01",
        comment="A receiver does not look into content, whatever its type says.",
    )
    section("3.3")
    accept("content-encoding-escaped", r'{"content-encoding": "utf\u002d8", «-content-encoding»}')
    accept("content-encoding-empty", '{"content-encoding": "", «-content-encoding»}', content_encoding="")

    section("3.5")
    accept("unknown-string", '{«4», "x": ""}', extensions={"x": ""})
    accept(
        "unknown-object-with-required-names",
        '{«4», "x": {"byteorder": 1, "content-type": null, "content-encoding": [], "content-length": -1}}',
        extensions={"x": {"byteorder": 1, "content-type": None, "content-encoding": [], "content-length": -1}},
    )
    accept(
        "unknown-object-repeats-required-names",
        '{«4», "x": {"byteorder": 1, "byteorder": 2}}',
        extensions={"x": {"byteorder": 2}},
    )
    accept(
        "unknown-array-of-required-names",
        '{«4», "x": ["byteorder", "content-length"]}',
        extensions={"x": ["byteorder", "content-length"]},
    )
    accept(
        "unknown-string-holds-a-header",
        r'{«4», "x": "{\"byteorder\": \"big\"}"}',
        extensions={"x": '{"byteorder": "big"}'},
    )
    for name in (
        "Byteorder",
        "BYTEORDER",
        "Content-Type",
        "CONTENT-ENCODING",
        "Content-Length",
        "byte-order",
        "byteorder ",
        " byteorder",
        "byteorde",
        "byteorders",
        "content_type",
        "content–length",
        "contentlength",
        "length",
        "",
    ):
        label = {
            "byteorder ": "byteorder-and-space",
            " byteorder": "space-and-byteorder",
            "content–length": "content-en-dash-length",
            "": "empty",
            "content_type": "content-underscore-type",
            "Byteorder": "capital-byteorder",
            "BYTEORDER": "upper-byteorder",
        }.get(name, name.lower())
        accept(f"unknown-name-{label}", '{«4», "%s": 1}' % name, extensions={name: 1})
    accept("unknown-name-byteorder-nul", r'{«4», "byteorder\u0000": 1}', extensions={"byteorder\0": 1})
    accept("unknown-repeated", '{«4», "x": 1, "x": 2}', extensions={"x": 2})
    accept(
        "unknown-repeated-apart",
        '{"x": "a", "byteorder": "little", "x": [], "content-type": "text/json", "x": {"y": 1}, '
        '"content-encoding": "utf-8", "content-length": 0, "x": "z"}',
        extensions={"x": "z"},
    )
    accept("unknown-repeated-by-escape", r'{«4», "x": 1, "\u0078": 2}', extensions={"x": 2})
    accept("unknown-repeated-types", '{«4», "x": {"a": 1}, "x": null}', extensions={"x": None})
    accept("unknown-repeated-nested", '{«4», "x": {"a": 1, "b": 2, "a": 3}}', extensions={"x": {"a": 3, "b": 2}})
    accept("unknown-differ-by-case", '{«4», "x": 1, "X": 2}', extensions={"x": 1, "X": 2})
    accept(
        "unknown-many",
        "{«4», " + ", ".join(f'"k{n}": {n}' for n in range(100)) + "}",
        extensions={f"k{n}": n for n in range(100)},
        comment="A hundred extension members.",
    )
    accept("unknown-structural-bytes-in-string", r'{«4», "x": "}],:{[\"\\"}', extensions={"x": '}],:{["\\'})
    accept("unknown-quotes-at-the-end", r'{«4», "x": "\\\""}', extensions={"x": '\\"'})
    accept("unknown-first", '{"x": [[], {}, ""], «4»}', extensions={"x": [[], {}, ""]})


def syntax():
    theme("syntax", "5.3", "Headers that are not one JSON object.")

    def unexpected(name, text, comment=None):
        refuse(name, text, "unexpected-byte", comment)

    for name, text in (
        ("array", "‸[]"),
        ("array-of-header", "‸[{«4»}]"),
        ("string", '‸"little"'),
        ("number", "‸1"),
        ("negative-number", "‸-1"),
        ("true", "‸true"),
        ("false", "‸false"),
        ("null", "‸null"),
        ("closing-brace", "‸}"),
        ("closing-bracket", "‸]"),
        ("comma", "‸,{«4»}"),
        ("colon", "‸:"),
        ("nul-byte", "‸‹00›{«4»}"),
        ("escape-byte", "‸‹1B›{«4»}"),
        ("form-feed", "‸‹0C›{«4»}"),
        ("vertical-tab", "‸‹0B›{«4»}"),
        ("delete-byte", "‸‹7F›"),
        ("comment", "‸/* */{«4»}"),
        ("line-comment", "‸# header‹0A›{«4»}"),
        ("single-quote", "‸'byteorder'"),
        ("members-only", "‸«4»"),
        ("parenthesis", "‸({«4»})"),
        ("after-space", "  ‸[{«4»}]"),
        ("after-all-whitespace", "‹20 09 0A 0D›‸x"),
        ("nan", "‸NaN"),
        ("backslash", r"‸\u007b«4»}"),
        ("xml", "‸<header/>"),
        ("utf-16-big-endian", "‸‹00›{‹00›}"),
        ("yaml", "‸byteorder: little"),
    ):
        refuse(f"not-an-object-{name}", text, "not-an-object")

    refuse("byte-order-mark", "‸‹EF BB BF›{«4»}", "byte-order-mark")
    refuse("byte-order-mark-alone", "‸‹EF BB BF›", "byte-order-mark")
    refuse("byte-order-mark-twice", "‸‹EF BB BF EF BB BF›{«4»}", "byte-order-mark")
    refuse("byte-order-mark-then-not-utf8", "‸‹EF BB BF FF›", "byte-order-mark")
    refuse("byte-order-mark-after-space", " ‸‹EF BB BF›{«4»}", "not-an-object")
    refuse("byte-order-mark-cut", "‸‹EF BB›", "not-utf8")
    refuse(
        "byte-order-mark-almost",
        "‸‹EF BB BE›{«4»}",
        "not-an-object",
        comment="U+FEFE is well-formed, and no byte order mark.",
    )
    refuse("byte-order-mark-utf-16", "‸‹FE FF›{«4»}", "not-utf8")
    refuse("byte-order-mark-after-object", "{«4»}‸‹EF BB BF›", "trailing-data")
    unexpected("byte-order-mark-after-brace", "{‸‹EF BB BF›«4»}")
    unexpected("utf-16-little-endian", "{‸‹00›}‹00›")

    # The header object: names, colons, commas.
    unexpected("comma-before-first", "{‸,«4»}")
    unexpected("comma-only", "{‸,}")
    unexpected("comma-trailing", "{«4»,‸}")
    unexpected("comma-trailing-space", "{«4» , ‸}")
    unexpected("comma-twice", '{«4»,‸, "x": 1}')
    unexpected("comma-missing", '{«4» ‸"x": 1}')
    unexpected("comma-missing-first", '{"byteorder": "little" ‸"content-type": "text/json"}')
    unexpected("semicolon-for-comma", '{"byteorder": "little"‸; "content-type": "text/json"}')
    unexpected("colon-missing", '{"byteorder" ‸"little"}')
    unexpected("colon-missing-extension", '{«4», "x" ‸1}')
    unexpected("colon-twice", '{«4», "x":‸: 1}')
    unexpected("colon-twice-required", '{"byteorder":‸: "little"}')
    unexpected("equals-for-colon", '{"byteorder"‸= "little"}')
    unexpected("comma-for-colon", '{"byteorder"‸, "little"}')
    unexpected("brace-for-colon", '{«4», "x"‸}')
    unexpected("name-without-quotes", '{‸byteorder: "little"}')
    unexpected("name-in-single-quotes", "{‸'byteorder': \"little\"}")
    unexpected("name-is-a-number", "{‸1: 2}")
    unexpected("name-is-null", '{‸null: "x"}')
    unexpected("name-is-an-object", '{‸{}: "x"}')
    unexpected("name-is-an-array", "{‸[]}")
    unexpected("name-missing", '{‸: "little"}')
    unexpected("name-missing-later", "{«4», ‸: 1}")
    unexpected("bracket-closes-object", "{«4»‸]")
    unexpected("bracket-closes-empty-object", "{‸]")
    unexpected("parenthesis-closes-object", "{«4»‸)")

    # Values of extension members.
    for name, value in (
        ("nothing", "‸}"),
        ("comma", "‸, 1}"),
        ("bracket", "‸]}"),
        ("colon", "‸:}"),
        ("word", "‸word}"),
        ("single-quotes", "‸'x'}"),
        ("backquotes", "‸`x`}"),
        ("capital-true", "‸True}"),
        ("capital-false", "‸False}"),
        ("capital-none", "‸None}"),
        ("nan", "‸NaN}"),
        ("infinity", "‸Infinity}"),
        ("minus-infinity", "-‸Infinity}"),
        ("minus-nan", "-‸NaN}"),
        ("undefined", "‸undefined}"),
        ("upper-true", "‸TRUE}"),
        ("upper-null", "‸NULL}"),
        ("nan-lower", "n‸an}"),
        ("inf", "‸inf}"),
        ("none", "n‸one}"),
        ("nil", "n‸il}"),
        ("truth", "tru‸th}"),
        ("tru", "tru‸}"),
        ("tr-comma", "tr‸, 1}"),
        ("true-x", "true‸x}"),
        ("true-false", "true‸false}"),
        ("trUe", "tr‸Ue}"),
        ("t", "t‸}"),
        ("fals", "fals‸}"),
        ("falsy", "fals‸y}"),
        ("false-0", "false‸0}"),
        ("nul", "nul‸}"),
        ("nul-L", "nul‸L}"),
        ("null-null", "null ‸null}"),
        ("null-quote", 'null‸"x"}'),
        ("string-string", '"x" ‸"y"}'),
        ("string-plus", '"x" ‸+ "y"}'),
        ("comment-before", "‸/* no */ 1}"),
        ("comment-after", "1 ‸/* no */}"),
        ("line-comment", "1 ‸// no‹0A›}"),
        ("hash-comment", "1 ‸# no‹0A›}"),
        ("regex", "‸/x/}"),
        ("parenthesis", "‸(1)}"),
        ("at", "‸@}"),
        ("backslash", r"‸\n}"),
        ("delete-byte", "‸‹7F›}"),
        ("nul-byte", "‸‹00›}"),
        ("control-byte", "‸‹1F›}"),
        ("form-feed", "‸‹0C›1}"),
        ("form-feed-after", "1‸‹0C›}"),
        ("vertical-tab", "‸‹0B›1}"),
        ("object-then-object", "{} ‸{}}"),
        ("array-then-array", "[] ‸[]}"),
        ("array-then-brace", "[‸}}"),
        ("object-then-bracket", "{‸]}"),
        ("array-open-comma", "[‸,]}"),
        ("array-trailing-comma", "[1,‸]}"),
        ("array-double-comma", "[1,‸,2]}"),
        ("array-no-comma", "[1 ‸2]}"),
        ("array-colon", "[1‸: 2]}"),
        ("array-semicolon", "[1‸;2]}"),
        ("array-closed-by-brace", "[1‸}}"),
        ("array-nested-comma", "[[1], [2,‸]]}"),
        ("array-member", '["a"‸: 1]}'),
        ("array-word", "[‸x]}"),
        ("array-ellipsis", "[1, ‸...]}"),
        ("object-trailing-comma", '{"a": 1,‸}}'),
        ("object-open-comma", "{‸,}}"),
        ("object-no-comma", '{"a": 1 ‸"b": 2}}'),
        ("object-no-colon", '{"a" ‸1}}'),
        ("object-no-value", '{"a": ‸}}'),
        ("object-name-number", "{‸1: 1}}"),
        ("object-name-word", "{‸a: 1}}"),
        ("object-closed-by-bracket", '{"a": 1‸]}'),
        ("object-in-array", '[{"a": 1,‸}]}'),
        ("extra-bracket", "1‸]}"),
        ("extra-bracket-array", "[1]‸]}"),
    ):
        unexpected(f"value-{name.lower()}", '{«4», "x": ' + value)

    # After the object.
    for name, tail in (
        ("brace", "‸}"),
        ("open-brace", "‸{"),
        ("second-object", "‸{«4»}"),
        ("second-object-after-newline", "‹0A›‸{«4»}"),
        ("comma", "‸,"),
        ("nul", "‸‹00›"),
        ("nul-after-space", "  ‸‹00›"),
        ("comment", " ‸// end"),
        ("letter", "‸x"),
        ("semicolon", "‸;"),
        ("quote", '‸"'),
        ("bracket", "‸]"),
        ("number", " ‸1"),
        ("form-feed", "‸‹0C›"),
        ("delete", "‸‹7F›"),
        ("control-z", "‸‹1A›"),
        ("escape", r"‸\n"),
        ("not-ascii", "‸é"),
        ("no-break-space", "‸‹C2 A0›"),
        ("whitespace-then-byte", "‹20 09 0A 0D›‸."),
    ):
        refuse(f"trailing-{name}", "{«4»}" + tail, "trailing-data")


def other_protocols():
    theme(
        "other-protocols",
        "5.4.1",
        "Streams of other protocols: refused for the first byte of what should be a header, however long it should be.",
    )
    for name, data in (
        ("tls-handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("tls-alert", b"\x15\x03\x03\x00\x02\x02\x46"),
        ("http-get", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("http-answer", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("proxy-1", b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"),
        ("proxy-2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\1\xbb"),
        ("smtp", b"220 mail.example.com ESMTP\r\n"),
        ("redis", b"-ERR unknown command\r\n"),
        ("mysql", b"\x4a\0\0\0\x0a8.0.36\0"),
        ("length-of-one-byte", bytes([len(NEEDLE[0])]) + NEEDLE[0].encode() + NEEDLE[1].encode()),
        ("length-of-four-bytes-little-endian", b"\x67\0\0\0" + NEEDLE[0].encode() + NEEDLE[1].encode()),
        ("json-without-length", NEEDLE[1].encode() + b"\n"),
    ):
        stream = Stream().foreign(data, space=2 if name == "proxy-2" else 0)
        vector(f"other-protocol-{name}", stream, f"The first bytes of a stream: {name}.")
    for byte in (0x00, 0x08, 0x0B, 0x0C, 0x1F, 0x21, 0x22, 0x2D, 0x30, 0x5B, 0x5D, 0x7A, 0x7C, 0x7D, 0x7F):
        vector(
            f"first-header-byte-{byte:02x}",
            Stream().foreign(b"\x01\x00" + bytes([byte])),
            f"One byte of a header of 256, ‹{byte:02X}›, which begins no object.",
        )
    for byte in (0x09, 0x0A, 0x0D, 0x20, 0x7B, 0x80, 0xC3, 0xEF, 0xFF):
        stream = Stream()
        stream.data = b"\x01\x00" + bytes([byte])
        vector(
            f"first-header-byte-{byte:02x}-waits",
            stream.truncated(255),
            f"One byte of a header of 256, ‹{byte:02X}›: of white space, of a brace and of bytes beyond ASCII more is awaited.",
            spec="5.5",
        )
    vector(
        "foreign-byte-of-a-whole-header",
        Stream().fault("‸x‹FF C3 28›", "not-an-object"),
        "The same with all of the header there, whatever else is wrong with it.",
    )
    vector(
        "foreign-byte-and-what-is-not-utf8",
        Stream().foreign(b"\x01\x00x\xff\xc3\x28"),
        "The same with a part of the header there, whatever else is wrong with it.",
    )
    vector(
        "foreign-byte-of-the-longest-header",
        Stream().foreign(b"\xff\xffx"),
        "One byte of a header of 65,535 bytes.",
    )
    vector(
        "foreign-byte-after-white-space",
        Stream().foreign(b"\x01\x00 \t\r\nx", space=4),
        "White space is passed over.",
    )
    vector(
        "foreign-byte-after-white-space-waits",
        Stream().half_header(" \t\r\n‹C3 A9›‸" + " " * 60),
        "White space is passed over; of bytes beyond ASCII more is awaited, though these are no mark.",
        spec="5.5",
    )
    vector(
        "foreign-byte-second",
        Stream().half_header("{x‸" + " " * 60),
        "Of what begins with a brace more is awaited, though no member name can follow it.",
        spec="5.5",
    )
    vector(
        "foreign-byte-in-second-message",
        Stream().message(*NEEDLE).foreign(b"\x00\x67x"),
        "The first header byte of a later message is judged like that of the first.",
    )
    vector(
        "foreign-byte-within-capacity",
        Stream().foreign(b"GET / HTTP/1.1\r\n\r\n"),
        "A header that would fit is refused on account of its first byte.",
        capacity=0x4745,
    )
    vector(
        "foreign-byte-beyond-capacity",
        Stream().prefix_fault(b"GET / HTTP/1.1\r\n\r\n", "header-too-long", length=0x4745, capacity=0x4744),
        "A header that would not fit is refused on account of its length.",
        capacity=0x4744,
    )


def header_end():
    theme("header-end", "5.3", "Headers whose bytes end before their JSON object does, at every place of the grammar.")
    for name, text in (
        ("space", " ‸"),
        ("whitespace-only", "‹20 09 0A 0D›‸"),
        ("brace", "{‸"),
        ("brace-space", "{ ‸"),
        ("name-quote", '{"‸'),
        ("name", '{"byteorder‸'),
        ("name-closed", '{"byteorder"‸'),
        ("name-closed-space", '{"byteorder" ‸'),
        ("name-closed-second", '{«3», "content-length"‸'),
        ("colon", '{"byteorder":‸'),
        ("colon-space", '{"byteorder": ‸'),
        ("colon-content-type", '{"content-type":‸'),
        ("colon-content-encoding", '{"content-encoding": ‸'),
        ("colon-extension", '{"x":‸'),
        ("colon-extension-space", '{"x": ‹0A›‸'),
        ("string-quote", '{"byteorder": "‸'),
        ("string", '{"byteorder": "lit‸'),
        ("string-whole", '{"byteorder": "little‸'),
        ("string-wrong", '{"byteorder": "middle‸'),
        ("string-closed", '{"byteorder": "little"‸'),
        ("string-closed-space", '{"byteorder": "little"  ‸'),
        ("comma", "{«4»,‸"),
        ("comma-space", "{«4», ‸"),
        ("comma-first", '{"byteorder": "little",‸'),
        ("all-but-brace", "{«4»‸"),
        ("all-but-brace-space", "{«4» ‸"),
        ("content-type-string", '{«-content-type», "content-type": "text‸'),
        ("content-encoding-string", '{«-content-encoding», "content-encoding": "‸'),
        ("extension-string", '{«4», "x": "abc‸'),
        ("extension-string-closed", '{«4», "x": "abc"‸'),
        ("extension-number", '{«4», "x": 1‸'),
        ("extension-zero", '{«4», "x": 0‸'),
        ("extension-minus", '{«4», "x": -‸'),
        ("extension-point", '{«4», "x": 1.‸'),
        ("extension-fraction", '{«4», "x": 1.5‸'),
        ("extension-e", '{«4», "x": 1e‸'),
        ("extension-e-plus", '{«4», "x": 1e+‸'),
        ("extension-e-minus", '{«4», "x": 1E-‸'),
        ("extension-exponent", '{«4», "x": 1e5‸'),
        ("extension-t", '{«4», "x": t‸'),
        ("extension-tr", '{«4», "x": tr‸'),
        ("extension-tru", '{«4», "x": tru‸'),
        ("extension-true", '{«4», "x": true‸'),
        ("extension-f", '{«4», "x": f‸'),
        ("extension-fals", '{«4», "x": fals‸'),
        ("extension-false", '{«4», "x": false‸'),
        ("extension-n", '{«4», "x": n‸'),
        ("extension-nul", '{«4», "x": nul‸'),
        ("extension-null", '{«4», "x": null‸'),
        ("array-open", '{«4», "x": [‸'),
        ("array-open-space", '{«4», "x": [ ‸'),
        ("array-value", '{«4», "x": [1‸'),
        ("array-comma", '{«4», "x": [1,‸'),
        ("array-comma-space", '{«4», "x": [1, ‸'),
        ("array-string", '{«4», "x": ["a‸'),
        ("array-closed", '{«4», "x": [1]‸'),
        ("array-nested", '{«4», "x": [[1]‸'),
        ("object-open", '{«4», "x": {‸'),
        ("object-name-quote", '{«4», "x": {"‸'),
        ("object-name", '{«4», "x": {"a"‸'),
        ("object-colon", '{«4», "x": {"a":‸'),
        ("object-value", '{«4», "x": {"a": 1‸'),
        ("object-comma", '{«4», "x": {"a": 1,‸'),
        ("object-closed", '{«4», "x": {"a": 1}‸'),
        ("content-length-colon", '{«3», "content-length":‸'),
        ("content-length-space", '{«3», "content-length": ‹09 0A›‸'),
        ("content-length-digits", '{«3», "content-length": 12‸'),
        ("content-length-zero", '{«3», "content-length": 0‸'),
        ("content-length-maximum", '{«3», "content-length": 18446744073709551615‸'),
        ("content-length-digits-space", '{«3», "content-length": 12 ‸'),
        ("content-length-comma", '{«3», "content-length": 12,‸'),
        ("escape-backslash", r'{"x": "\‸'),
        ("escape-u", r'{"x": "\u‸'),
        ("escape-u1", r'{"x": "\u0‸'),
        ("escape-u2", r'{"x": "\u00‸'),
        ("escape-u3", r'{"x": "\u004‸'),
        ("escape-u4", r'{"x": "\u0041‸'),
        ("escape-short", r'{"x": "\n‸'),
        ("escape-in-name", r'{"\‸'),
        ("escape-in-name-u", r'{"content\u002‸'),
        ("escape-in-array", r'{"x": ["\u00‸'),
        ("escape-quote", r'{"x": "\"‸'),
        ("escape-two-backslashes", r'{"x": "\\‸'),
        ("escape-in-byteorder", r'{"byteorder": "l\u006‸'),
        ("surrogate-d8", r'{"x": "\ud8‸'),
        ("surrogate-high", r'{"x": "\ud83d‸'),
        ("surrogate-backslash", '{"x": "\\ud83d\\‸'),
        ("surrogate-u", r'{"x": "\ud83d\u‸'),
        ("surrogate-u-d", r'{"x": "\ud83d\uD‸'),
        ("surrogate-u-dc", r'{"x": "\ud83d\udC‸'),
        ("surrogate-u-dc3", r'{"x": "\ud83d\udc3‸'),
        ("surrogate-pair", r'{"x": "\ud83d\udc30‸'),
        ("surrogate-low-cut", r'{"x": "\udc0‸'),
        ("surrogate-high-in-name", r'{"\ud83d‸'),
        ("surrogate-high-in-array", r'{"x": ["\ud83d\ud‸'),
    ):
        refuse(f"end-after-{name}", text, "unexpected-end")
    for name, text, kind, fields in (
        ("minus-in-content-length", '{«3», "content-length": ‸-', "invalid-content-length", {}),
        ("exponent-in-content-length", '{«3», "content-length": ‸1e', "invalid-content-length", {}),
        ("point-in-content-length", '{«3», "content-length": ‸1.', "invalid-content-length", {}),
        ("zeros-in-content-length", '{«3», "content-length": ‸00', "invalid-content-length", {}),
        ("quote-in-content-length", '{«3», "content-length": ‸"', "invalid-content-length", {}),
        ("over-maximum-content-length", '{«3», "content-length": ‸18446744073709551616', "invalid-content-length", {}),
        ("wrong-type", '{"byteorder": ‸[', "wrong-type", {"member": "byteorder"}),
        ("wrong-type-literal", '{"content-type": ‸n', "wrong-type", {"member": "content-type"}),
        ("wrong-type-minus", '{"content-encoding": ‸-', "wrong-type", {"member": "content-encoding"}),
        ("duplicate", '{"byteorder": "little", ‸"byteorder"', "duplicate-member", {"member": "byteorder"}),
        ("byteorder", '{"byteorder": ‸"middle"', "invalid-byteorder", {}),
        ("escape-x", r'{"x": "‸\x', "invalid-escape", {}),
        ("escape-u-x", r'{"x": "‸\ux', "invalid-escape", {}),
        ("escape-u00g", r'{"x": "‸\u00g', "invalid-escape", {}),
        ("escape-u-quote", r'{"x": "‸\u00"', "invalid-escape", {}),
        ("low-surrogate", r'{"x": "‸\udc00', "lone-surrogate", {}),
        ("high-then-quote", r'{"x": "‸\ud83d"', "lone-surrogate", {}),
        ("high-then-other-escape", r'{"x": "‸\ud83d\n', "lone-surrogate", {}),
        ("high-then-bmp", r'{"x": "‸\ud83d\u0', "lone-surrogate", {}),
        ("high-then-high", r'{"x": "‸\ud83d\ud8', "lone-surrogate", {}),
        ("control-character", '{"x": "‸‹00›', "control-character", {}),
        ("utf8-cut", '{"x": "‸‹F0 9F 90›', "not-utf8", {}),
    ):
        refuse(f"fault-before-end-{name}", text, kind, spec="5.4", **fields)


def strings():
    theme("strings", "5.3", "What may and may not stand inside a JSON string.")
    for byte in range(0x20):
        refuse(f"control-{byte:02x}-in-value", '{«4», "x": "a‸‹%02X›b"}' % byte, "control-character")
    for name, text in (
        ("first-name", '{"‸‹00›byteorder": "little"}'),
        ("required-name", '{"byteorder‸‹0A›": "little"}'),
        ("extension-name", '{«4», "‸‹09›": 1}'),
        ("byteorder", '{"byteorder": "little‸‹00›"}'),
        ("content-type", '{«-content-type», "content-type": "text‸‹0D 0A›"}'),
        ("content-encoding", '{«-content-encoding», "content-encoding": "‸‹1F›"}'),
        ("array", '{«4», "x": ["‸‹09›"]}'),
        ("nested-value", '{«4», "x": {"a": ["b‸‹01›"]}}'),
        ("nested-name", '{«4», "x": {"a‸‹0A›": 1}}'),
        ("first-of-two", '{«4», "x": "‸‹01 02›"}'),
        ("after-emoji", '{«4», "x": "🐰‸‹1F›"}'),
        ("after-escape", '{«4», "x": "\\\\‸‹0A›"}'),
    ):
        refuse(f"control-in-{name}", text, "control-character")
    accept("delete-in-string", '{«4», "x‹7F›": "‹7F›"}', spec="5.2", extensions={"x\x7f": "\x7f"})
    accept("space-and-tilde-in-string", '{«4», "x": " ~"}', spec="5.2", extensions={"x": " ~"})
    accept("c1-controls-in-string", '{«4», "x": "‹C2 80 C2 9F›"}', spec="5.2", extensions={"x": "\x80\x9f"})

    for name, escape, value in (
        ("quote", r"\"", '"'),
        ("backslash", r"\\", "\\"),
        ("slash", r"\/", "/"),
        ("b", r"\b", "\b"),
        ("f", r"\f", "\f"),
        ("n", r"\n", "\n"),
        ("r", r"\r", "\r"),
        ("t", r"\t", "\t"),
        ("u-nul", r"\u0000", "\0"),
        ("u-1f", r"\u001f", "\x1f"),
        ("u-quote", r"\u0022", '"'),
        ("u-backslash", r"\u005c", "\\"),
        ("u-5c-then-n", r"\u005cn", "\\n"),
        ("u-ascii", r"\u0041", "A"),
        ("u-7f", r"\u007f", "\x7f"),
        ("u-80", r"\u0080", "\x80"),
        ("u-lower", r"\u00e9", "é"),
        ("u-upper", r"\u00E9", "é"),
        ("u-mixed", r"\u20aC", "€"),
        ("u-all-lower", r"\uabcd\uefab", "\uabcd\uefab"),
        ("u-all-upper", r"\uABCD\uEFAB", "\uabcd\uefab"),
        ("u-07ff", r"\u07ff", "\u07ff"),
        ("u-0800", r"\u0800", "\u0800"),
        ("u-feff", r"\ufeff", "\ufeff"),
        ("u-fffe", r"\ufffe", "\ufffe"),
        ("u-ffff", r"\uFFFF", "\uffff"),
        ("u-d7ff", r"\ud7ff", "\ud7ff"),
        ("u-e000", r"\uE000", "\ue000"),
        ("u-2028", r"\u2028", "\u2028"),
        ("u-then-digit", r"\u00411", "A1"),
        ("pair-lower", r"\ud83d\udc30", "🐰"),
        ("pair-upper", r"\uD83D\uDC30", "🐰"),
        ("pair-mixed", r"\uD83d\udC30", "🐰"),
        ("pair-lowest", r"\ud800\udc00", "\U00010000"),
        ("pair-highest", r"\udbff\udfff", "\U0010ffff"),
        ("pair-d800-dfff", r"\uD800\uDFFF", "\U000103ff"),
        ("pair-dbff-dc00", r"\uDBFF\uDC00", "\U0010fc00"),
        ("pair-twice", r"\ud83d\udc30\ud83d\udc8d", "🐰💍"),
        ("pair-between", r"a\ud83d\udc30b", "a🐰b"),
        ("pair-d83f-dfff", r"\ud83f\udfff", "\U0001ffff"),
        ("all-short", r"\"\\\/\b\f\n\r\t", '"\\/\b\f\n\r\t'),
    ):
        accept(f"escape-{name}", '{«4», "x": "%s"}' % escape, spec="5.2", extensions={"x": value})
        if name in ("quote", "backslash", "slash", "u-nul", "u-upper", "pair-lower", "all-short"):
            accept(f"escape-{name}-in-name", '{«4», "%s": 1}' % escape, spec="5.2", extensions={value: 1})
            accept(
                f"escape-{name}-nested",
                '{«4», "x": [{"%s": "%s"}]}' % (escape, escape),
                spec="5.2",
                extensions={"x": [{value: value}]},
            )

    for name, escape in (
        ("a", r"\a"),
        ("v", r"\v"),
        ("e", r"\e"),
        ("x41", r"\x41"),
        ("0", r"\0"),
        ("1", r"\1"),
        ("single-quote", r"\'"),
        ("space", r"\ "),
        ("upper-n", r"\N"),
        ("upper-u", r"\U0041"),
        ("upper-b", r"\B"),
        ("upper-t", r"\T"),
        ("newline", r"\‹0A›"),
        ("nul", r"\‹00›"),
        ("delete", r"\‹7F›"),
        ("not-ascii", "\\é"),
        ("emoji", "\\🐰"),
        ("not-utf8", r"\‹FF›"),
        ("brace", r"\{"),
        ("percent", r"\%"),
        ("u-braces", r"\u{41}"),
        ("u-g", r"\ug000"),
        ("u-second", r"\u0g00"),
        ("u-third", r"\u00g0"),
        ("u-fourth", r"\u000g"),
        ("u-quote", r"\u"),
        ("u-three-digits", r"\u041"),
        ("u-two-digits", r"\u41"),
        ("u-plus", r"\u+041"),
        ("u-minus", r"\u-041"),
        ("u-space", r"\u 041"),
        ("u-space-last", r"\u004 "),
        ("u-underscore", r"\u0_41"),
        ("u-0x", r"\u0x41"),
        ("u-backslash", r"\u00\n"),
        ("u-control", r"\u00‹0A›41"),
        ("u-not-utf8", r"\u00‹C3›41"),
        ("u-slash-after-9", r"\u000/"),
        ("u-colon-before-a", r"\u000:"),
        ("u-at", r"\u000@"),
        ("u-backquote", r"\u000`"),
        ("u-fullwidth-digit", r"\u004１"),
        ("u-d8-x", r"\ud8x0"),
    ):
        refuse(f"invalid-escape-{name}", '{«4», "x": "a‸%s"}' % escape, "invalid-escape")
    for name, text in (
        ("in-name", r'{"‸\qbyteorder": "little"}'),
        ("in-extension-name", r'{«4», "a‸\u00x0": 1}'),
        ("in-byteorder", r'{"byteorder": "‸\little"}'),
        ("in-content-type", r'{«-content-type», "content-type": "text‸\json"}'),
        ("in-content-encoding", r'{«-content-encoding», "content-encoding": "‸\utf-8"}'),
        ("in-array", r'{«4», "x": ["‸\c"]}'),
        ("in-nested-name", r'{«4», "x": {"‸\c": 1}}'),
        ("after-escapes", r'{«4», "x": "\\\n\u0041‸\x"}'),
        ("after-pair", r'{«4», "x": "\ud83d\udc30‸\x"}'),
        ("windows-path", r'{«4», "x": "C:‸\Users"}'),
    ):
        refuse(f"invalid-escape-{name}", text, "invalid-escape")

    for name, escape in (
        ("d800", r"‸\ud800"),
        ("dbff", r"‸\udbff"),
        ("upper", r"‸\uD83D"),
        ("then-text", r"‸\ud83dx"),
        ("then-space", r"‸\ud83d \udc30"),
        ("then-short-escape", r"‸\ud83d\n"),
        ("then-backslash", r"‸\ud83d\\udc30"),
        ("then-bmp", r"‸\ud83d\u0041"),
        ("then-d7ff", r"‸\ud83d\ud7ff"),
        ("then-e000", r"‸\ud83d\ue000"),
        ("then-high", r"‸\ud83d\ud83d"),
        ("then-pair", r"‸\ud83d\ud83d\udc30"),
        ("then-dbff", r"‸\ud83d\udbff"),
        ("then-bad-hex", r"‸\ud83d\udc3g"),
        ("then-bad-hex-third", r"‸\ud83d\udcg0"),
        ("then-short-u", r"‸\ud83d\udc3"),
        ("then-upper-u", r"‸\ud83d\Udc30"),
        ("then-raw-emoji", r"‸\ud83d🐰"),
        ("then-control", r"‸\ud83d‹0A›"),
        ("then-not-utf8", r"‸\ud83d‹FF›"),
        ("then-cesu-low", r"‸\ud83d‹ED B0 B0›"),
        ("then-invalid-escape", r"‸\ud83d\x"),
        ("low-dc00", r"‸\udc00"),
        ("low-dfff", r"‸\uDFFF"),
        ("low-then-high", r"‸\udc30\ud83d"),
        ("low-then-low", r"‸\udc30\udc30"),
        ("low-after-text", r"abc‸\udc30"),
        ("after-pair-low", r"\ud83d\udc30‸\udc30"),
        ("after-pair-high", r"\ud83d\udc30‸\ud83d"),
        ("swapped-after-bmp", r"\u0041‸\udc00\ud800"),
    ):
        refuse(f"lone-surrogate-{name}", '{«4», "x": "%s"}' % escape, "lone-surrogate")
    for name, text in (
        ("in-name", r'{«4», "‸\ud83d": 1}'),
        ("low-in-name", r'{«4», "a‸\udc00b": 1}'),
        ("in-array", r'{«4», "x": ["‸\ud800"]}'),
        ("in-nested-name", r'{«4», "x": {"‸\udfff": 1}}'),
        ("in-nested-value", r'{«4», "x": {"a": [[{"b": "‸\ud800"}]]}}'),
        ("in-byteorder", r'{"byteorder": "‸\ud800", «-byteorder»}'),
        ("in-content-type", r'{"content-type": "‸\udc00", «-content-type»}'),
        ("in-content-encoding", r'{"content-encoding": "x‸\ud83dy", «-content-encoding»}'),
        ("in-overridden-value", r'{«4», "x": "‸\ud800", "x": 1}'),
    ):
        refuse(f"lone-surrogate-{name}", text, "lone-surrogate")


ILL_FORMED = (
    # name, text in which ‸ marks the first byte that belongs to no well-formed sequence
    ("continuation-80", "‸‹80›"),
    ("continuation-bf", "‸‹BF›"),
    ("continuation-after-sequence", "é‸‹80›"),
    ("continuation-after-emoji", "🐰‸‹90›"),
    ("overlong-2-lowest", "‸‹C0 80›"),
    ("overlong-2-quote", "‸‹C0 A2›"),
    ("overlong-2-highest", "‸‹C1 BF›"),
    ("cut-2", "‸‹C2›"),
    ("cut-2-df", "‸‹DF›"),
    ("broken-2", "‸‹C3 28›"),
    ("broken-2-by-lead", "‸‹C3 C3 A9›"),
    ("overlong-3-lowest", "‸‹E0 80 80›"),
    ("overlong-3-highest", "‸‹E0 9F BF›"),
    ("cut-3-after-1", "‸‹E0›"),
    ("cut-3-after-2", "‸‹E2 82›"),
    ("broken-3-at-2", "‸‹E2 28 A1›"),
    ("broken-3-at-3", "‸‹E2 82 28›"),
    ("broken-3-by-lead", "‸‹E2 82 C3 A9›"),
    ("surrogate-lowest", "‸‹ED A0 80›"),
    ("surrogate-high-last", "‸‹ED AF BF›"),
    ("surrogate-low-first", "‸‹ED B0 80›"),
    ("surrogate-highest", "‸‹ED BF BF›"),
    ("surrogate-pair", "‸‹ED A0 BD ED B0 B0›"),
    ("cut-3-ef", "‸‹EF BF›"),
    ("overlong-4-lowest", "‸‹F0 80 80 80›"),
    ("overlong-4-highest", "‸‹F0 8F BF BF›"),
    ("cut-4-after-1", "‸‹F0›"),
    ("cut-4-after-2", "‸‹F0 9F›"),
    ("cut-4-after-3", "‸‹F0 9F 90›"),
    ("broken-4-at-2", "‸‹F0 28 8C BC›"),
    ("broken-4-at-3", "‸‹F0 90 28 BC›"),
    ("broken-4-at-4", "‸‹F0 9F 90 28›"),
    ("over-10ffff", "‸‹F4 90 80 80›"),
    ("over-10ffff-f4-bf", "‸‹F4 BF BF BF›"),
    ("lead-f5", "‸‹F5 80 80 80›"),
    ("lead-f7", "‸‹F7 BF BF BF›"),
    ("lead-f8", "‸‹F8 88 80 80 80›"),
    ("lead-fc", "‸‹FC 84 80 80 80 80›"),
    ("fe", "‸‹FE›"),
    ("ff", "‸‹FF›"),
    ("latin-1", "caf‸‹E9›"),
    ("second-of-two", "é‸‹C3›é"),
    ("broken-then-well-formed", "‸‹E2 82›é"),
)


def utf8():
    theme("utf8", "5.3", "Well-formed and ill-formed UTF-8 (RFC 3629), inside and outside strings.")
    for name, text in ILL_FORMED:
        refuse(f"utf8-{name}-in-value", '{«4», "x": "a%sb"}' % text, "not-utf8")
        refuse(f"utf8-{name}-before-quote", '{«4», "x": "%s"}' % text, "not-utf8")
    for name in (
        "continuation-80",
        "overlong-2-lowest",
        "cut-2",
        "surrogate-lowest",
        "cut-3-after-2",
        "cut-4-after-3",
        "over-10ffff",
        "ff",
    ):
        text = dict(ILL_FORMED)[name]
        refuse(f"utf8-{name}-in-name", '{«4», "%s": 1}' % text, "not-utf8")
        refuse(f"utf8-{name}-in-nested-value", '{«4», "x": [{"a": "%s"}]}' % text, "not-utf8")
        refuse(f"utf8-{name}-in-nested-name", '{«4», "x": {"%s": 1}}' % text, "not-utf8")
        refuse(f"utf8-{name}-in-byteorder", '{"byteorder": "%s", «-byteorder»}' % text, "not-utf8")
        refuse(f"utf8-{name}-in-content-type", '{"content-type": "%s", «-content-type»}' % text, "not-utf8")
    refuse("utf8-in-required-name", '{"byteorder‸‹FF›": "little"}', "not-utf8")
    refuse("utf8-in-content-encoding", '{«-content-encoding», "content-encoding": "utf‸‹AD›8"}', "not-utf8")
    refuse("utf8-in-overridden-value", '{«4», "x": "‸‹FF›", "x": 1}', "not-utf8")
    for name, text in ILL_FORMED:
        if name.startswith("cut"):
            refuse(f"utf8-{name}-at-header-end", '{«4», "x": "%s' % text, "not-utf8", spec="5.4")

    for name, raw, value in (
        ("7f", "7F", "\x7f"),
        ("u-80", "C2 80", "\x80"),
        ("u-7ff", "DF BF", "\u07ff"),
        ("u-800", "E0 A0 80", "\u0800"),
        ("u-fff", "E0 BF BF", "\u0fff"),
        ("u-1000", "E1 80 80", "\u1000"),
        ("u-d7ff", "ED 9F BF", "\ud7ff"),
        ("u-e000", "EE 80 80", "\ue000"),
        ("u-feff", "EF BB BF", "\ufeff"),
        ("u-fffd", "EF BF BD", "\ufffd"),
        ("u-fffe", "EF BF BE", "\ufffe"),
        ("u-ffff", "EF BF BF", "\uffff"),
        ("u-10000", "F0 90 80 80", "\U00010000"),
        ("u-1ffff", "F0 9F BF BF", "\U0001ffff"),
        ("u-40000", "F1 80 80 80", "\U00040000"),
        ("u-fffff", "F3 BF BF BF", "\U000fffff"),
        ("u-100000", "F4 80 80 80", "\U00100000"),
        ("u-10ffff", "F4 8F BF BF", "\U0010ffff"),
    ):
        accept(f"utf8-well-formed-{name}", '{«4», "x": "a‹%s›b"}' % raw, spec="5.2", extensions={"x": f"a{value}b"})
        accept(
            f"utf8-well-formed-{name}-in-name",
            '{«4», "‹%s›": ["‹%s›"]}' % (raw, raw),
            spec="5.2",
            extensions={value: [value]},
        )
    accept("utf8-all-lengths", '{«4», "x": "aé€🐰€éa"}', spec="5.2", extensions={"x": "aé€🐰€éa"})
    accept(
        "utf8-not-normalised",
        '{«4», "‹C3 A9›": 1, "e‹CC 81›": 2}',
        spec="5.2",
        extensions={"\xe9": 1, "e\u0301": 2},
        comment="Names are compared as they are: composed and decomposed é are two names.",
    )

    # Outside strings: what begins no sequence is not-utf8, a whole character is the grammar's fault.
    places = (
        ("before-object", "‸%s{«4»}", "not-an-object"),
        ("before-object-after-space", " ‸%s{«4»}", "not-an-object"),
        ("for-object", "‸%s", "not-an-object"),
        ("for-first-name", "{‸%s}", "unexpected-byte"),
        ("for-next-name", "{«4», ‸%s}", "unexpected-byte"),
        ("for-colon", '{"byteorder" ‸%s "little"}', "unexpected-byte"),
        ("for-byteorder", '{"byteorder": ‸%s}', "unexpected-byte"),
        ("for-content-type", '{"content-type": ‸%s}', "unexpected-byte"),
        ("for-content-length", '{«3», "content-length": ‸%s}', "invalid-content-length"),
        ("after-content-length", '{«3», "content-length": 5‸%s}', "unexpected-byte"),
        ("for-value", '{«4», "x": ‸%s}', "unexpected-byte"),
        ("for-comma", "{«4»‸%s}", "unexpected-byte"),
        ("in-literal", '{«4», "x": tr‸%sue}', "unexpected-byte"),
        ("after-literal", '{«4», "x": true‸%s}', "unexpected-byte"),
        ("after-minus", '{«4», "x": -‸%s1}', "unexpected-byte"),
        ("after-digit", '{«4», "x": 1‸%s}', "unexpected-byte"),
        ("after-point", '{«4», "x": 1.‸%s}', "unexpected-byte"),
        ("after-exponent", '{«4», "x": 1e‸%s}', "unexpected-byte"),
        ("in-array", '{«4», "x": [‸%s]}', "unexpected-byte"),
        ("in-array-for-comma", '{«4», "x": [1‸%s]}', "unexpected-byte"),
        ("in-object", '{«4», "x": {‸%s}}', "unexpected-byte"),
        ("after-object", "{«4»}‸%s", "trailing-data"),
        ("after-object-and-space", "{«4»} ‸%s", "trailing-data"),
    )
    for place, text, kind in places:
        for name, bad in (("ff", "‹FF›"), ("cut", "‹E2 82›"), ("surrogate", "‹ED A0 80›")):
            refuse(f"utf8-{name}-{place}", text % bad, "not-utf8", spec="5.4")
        for name, good in (("character", "é"), ("emoji", "🐰"), ("no-break-space", "‹C2 A0›")):
            refuse(f"utf8-{name}-{place}", text % good, kind, spec="5.4")
    for name, text, kind in (
        ("ideographic-space", "{«4»,‸‹E3 80 80›}", "unexpected-byte"),
        ("line-separator", "{‸‹E2 80 A8›«4»}", "unexpected-byte"),
        ("next-line", "{«4»}‸‹C2 85›", "trailing-data"),
        ("typographic-quotes", "{‸“byteorder”: “little”}", "unexpected-byte"),
        ("arabic-digit", '{«4», "x": ‸٣}', "unexpected-byte"),
        ("fullwidth-digit", '{«3», "content-length": ‸３}', "invalid-content-length"),
        ("fullwidth-after-digit", '{«3», "content-length": 3‸３}', "unexpected-byte"),
    ):
        refuse(f"utf8-{name}", text, kind, spec="5.4")


def numbers():
    theme("numbers", "5.3", "The number grammar, in extension members. What a number is worth is the reader's affair.")
    for name, number, value in (
        ("0", "0", 0),
        ("1", "1", 1),
        ("9", "9", 9),
        ("10", "10", 10),
        ("minus-1", "-1", -1),
        ("minus-10", "-10", -10),
        ("1234567890", "1234567890", 1234567890),
        ("safe-maximum", "9007199254740991", 9007199254740991),
        ("safe-minimum", "-9007199254740991", -9007199254740991),
        ("half", "0.5", 0.5),
        ("minus-half", "-0.5", -0.5),
        ("10-25", "10.25", 10.25),
        ("fraction-zeros", "1.500", 1.5),
        ("e2", "1e2", 100.0),
        ("upper-e2", "1E2", 100.0),
        ("e-plus-2", "1e+2", 100.0),
        ("e-minus-2", "25e-2", 0.25),
        ("fraction-exponent", "1.5E1", 15.0),
        ("minus-fraction-exponent", "-1.25e+2", -125.0),
        ("exponent-leading-zero", "1e02", 100.0),
        ("exponent-zeros", "5e00", 5.0),
        ("zero-exponent", "0e0", 0.0),
        ("zero-fraction", "0.0", 0.0),
        ("zero-exponent-sign", "0E+10", 0.0),
    ):
        accept(f"number-{name}", '{«4», "x": %s}' % number, spec="5.2", extensions={"x": value})
    accept("numbers-in-array", '{«4», "x": [0,1,-1,0.5,[2]]}', spec="5.2", extensions={"x": [0, 1, -1, 0.5, [2]]})
    accept(
        "numbers-before-whitespace",
        '{«4», "x": [1 ,2‹0A›,3‹09›],"y":4‹0D›}',
        spec="5.2",
        extensions={"x": [1, 2, 3], "y": 4},
    )
    accept(
        "number-overridden",
        '{«4», "x": 18446744073709551616, "x": 0}',
        spec="5.2",
        extensions={"x": 0},
        comment="A number beyond 64 bits is well-formed, too; the last one of a name counts.",
    )
    for name, number in (
        ("minus-zero", "-0"),
        ("minus-zero-fraction", "-0.0"),
        ("minus-zero-exponent", "-0e-0"),
        ("beyond-safe", "9007199254740993"),
        ("2-to-64", "18446744073709551616"),
        ("30-digits", "123456789012345678901234567890"),
        ("minus-30-digits", "-123456789012345678901234567890"),
        ("e999", "1e999"),
        ("minus-e999", "-1e999"),
        ("e-minus-999", "1e-999"),
        ("huge-exponent", "1e99999999999999999999"),
        ("exponent-many-zeros", "1e00000000000000000000000001"),
        ("long-fraction", "0.1234567890123456789012345678901234567890"),
        ("tiny-fraction", "0.00000000000000000000000000000000000001"),
    ):
        refuse(
            f"number-{name}",
            '{«-byteorder», "x": %s‸}' % number,
            "missing-member",
            member="byteorder",
            comment="The number is well-formed (no value is expected of it): what is missing is byteorder.",
            spec="5.2",
        )
    refuse(
        "number-of-5000-digits",
        '{«-byteorder», "x": ' + "9" * 5000 + "‸}",
        "missing-member",
        member="byteorder",
        comment="A number of 5,000 digits is well-formed.",
        spec="5.2",
    )

    for name, number in (
        ("00", "0‸0"),
        ("01", "0‸1"),
        ("007", "0‸07"),
        ("minus-01", "-0‸1"),
        ("minus-00", "-0‸0"),
        ("01-fraction", "0‸1.5"),
        ("0-minus", "0‸-1"),
        ("0-x", "0‸x10"),
        ("0-upper-x", "0‸X10"),
        ("0-b", "0‸b1"),
        ("0-o", "0‸o7"),
        ("point", "1.‸"),
        ("0-point", "0.‸"),
        ("minus-point", "-1.‸"),
        ("point-exponent", "1.‸e5"),
        ("point-point", "1.‸.5"),
        ("point-minus", "1.‸-5"),
        ("point-space", "1.‸ 5"),
        ("point-comma", "1.‸, 2"),
        ("leading-point", "‸.5"),
        ("minus-leading-point", "-‸.5"),
        ("only-point", "‸."),
        ("two-points", "1.5‸.2"),
        ("plus", "‸+1"),
        ("only-plus", "‸+"),
        ("plus-0", "‸+0"),
        ("only-minus", "-‸"),
        ("minus-space", "-‸ 1"),
        ("minus-minus", "-‸-1"),
        ("minus-plus", "-‸+1"),
        ("minus-letter", "-‸a"),
        ("minus-e", "-‸e5"),
        ("minus-quote", '-‸"1"'),
        ("minus-infinity-lower", "-‸inf"),
        ("e", "1e‸"),
        ("upper-e", "1E‸"),
        ("0-e", "0e‸"),
        ("fraction-e", "1.5e‸"),
        ("e-plus", "1e+‸"),
        ("e-minus", "1e-‸"),
        ("e-plus-minus", "1e+‸-2"),
        ("e-minus-minus", "1e-‸-2"),
        ("e-space", "1e‸ 2"),
        ("e-plus-space", "1e+‸ 2"),
        ("e-point", "1e‸.5"),
        ("e-e", "1e‸e2"),
        ("e-fraction", "1e2‸.5"),
        ("exponent-e", "1e2‸e3"),
        ("exponent-letter", "1e5‸f"),
        ("only-e", "‸e5"),
        ("underscore", "1‸_000"),
        ("apostrophe", "1‸'000"),
        ("letter", "1‸a"),
        ("suffix-f", "1‸f"),
        ("suffix-l", "1‸L"),
        ("suffix-n", "1‸n"),
        ("suffix-u8", "1‸u8"),
        ("percent", "1‸%"),
        ("space-digit", "1 ‸2"),
        ("digit-minus", "1‸-2"),
        ("digit-plus", "1‸+2"),
        ("ratio", "1‸/2"),
        ("colon", "1‸:2"),
        ("quote", '1‸"'),
        ("bracket", "1‸["),
        ("hash", "‸#1"),
        ("dollar", "‸$1"),
        ("fraction-letter", "1.5‸x"),
        ("fraction-minus", "1.5‸-1"),
    ):
        refuse(f"number-refused-{name}", '{«4», "x": %s}' % number, "unexpected-byte")
    for name, number in (
        ("01", "0‸1"),
        ("point", "1.‸"),
        ("e", "1e‸"),
        ("minus", "-‸"),
        ("e-plus", "1e+‸"),
        ("plus", "‸+1"),
        ("nan", "‸NaN"),
    ):
        refuse(f"number-refused-{name}-in-array", '{«4», "x": [1, %s]}' % number, "unexpected-byte")
        refuse(f"number-refused-{name}-in-object", '{«4», "x": {"a": %s}}' % number, "unexpected-byte")
    refuse("number-comma-decimal", '{«4», "x": 1,‸5}', "unexpected-byte")


def members():
    theme("members", "5.3", "The required members: missing, there twice, or of the wrong type.")
    names = list(REQUIRED)
    for mask in range(1, 16):
        missing = [name for bit, name in enumerate(names) if mask >> bit & 1]
        text = "{" + ", ".join(REQUIRED[name] for name in names if name not in missing) + "‸}"
        label = "-".join(name.replace("content-", "") for name in missing)
        refuse(f"missing-{label}", text, "missing-member", member=missing[0])
    refuse("missing-all-space", "{ ‸}", "missing-member", member="byteorder")
    refuse("missing-all-newlines", "‹0A›{‹0A›‸}‹0A›", "missing-member", member="byteorder")
    refuse("missing-with-extension", '{«-content-type», "x": 1‸}', "missing-member", member="content-type")
    refuse("missing-only-extensions", '{"a": {}, "b": []‸}', "missing-member", member="byteorder")
    refuse("missing-only-nested", '{"x": {«4»}‸}', "missing-member", member="byteorder")
    refuse(
        "missing-only-in-array",
        '{«-content-encoding», "x": [{"content-encoding": "utf-8"}]‸}',
        "missing-member",
        member="content-encoding",
    )
    refuse("missing-only-as-value", '{«-content-type», "x": "content-type"‸}', "missing-member", member="content-type")
    refuse("missing-for-case", '{«-byteorder», "Byteorder": "little"‸}', "missing-member", member="byteorder")
    refuse("missing-for-upper-case", '{«3», "CONTENT-LENGTH": 0‸}', "missing-member", member="content-length")
    refuse("missing-for-space", '{«3», "content-length ": 0‸}', "missing-member", member="content-length")
    refuse(
        "missing-for-underscore",
        '{«-content-type», "content_type": "text/json"‸}',
        "missing-member",
        member="content-type",
    )
    refuse(
        "missing-for-dash-escape",
        r'{«-content-type», "content\u2010type": "text/json"‸}',
        "missing-member",
        member="content-type",
    )
    refuse(
        "missing-for-dotless-i",
        '{«-content-encoding», "content-encodıng": "utf-8"‸}',
        "missing-member",
        member="content-encoding",
    )
    refuse(
        "missing-reverse-order",
        '{"content-length": 0, "content-encoding": "utf-8"‸}',
        "missing-member",
        member="byteorder",
    )
    refuse("missing-before-content", "{«-content-type»‸}", "missing-member", after=b"content", member="content-type")

    for name in names:
        label = name.replace("content-", "")
        again = REQUIRED[name]
        refuse(f"duplicate-{label}", "{«4», ‸%s}" % again, "duplicate-member", member=name)
        refuse(
            f"duplicate-{label}-adjacent", "{%s, ‸%s, «-%s»}" % (again, again, name), "duplicate-member", member=name
        )
        escaped = r"\u%04x%s" % (ord(name[0]), name[1:])
        refuse(f"duplicate-{label}-escaped-second", '{«4», ‸"%s": 1}' % escaped, "duplicate-member", member=name)
        refuse(
            f"duplicate-{label}-escaped-first",
            "{%s, «-%s», ‸%s}" % (again.replace(name, escaped), name, again),
            "duplicate-member",
            member=name,
        )
    refuse("duplicate-other-value", '{«4», ‸"byteorder": "big"}', "duplicate-member", member="byteorder")
    refuse(
        "duplicate-escapes-differ",
        r'{"content\u002dlength": 1, ‸"content\u002Dlength": 2, «3»}',
        "duplicate-member",
        member="content-length",
    )
    refuse(
        "duplicate-all-escapes",
        r'{«4», ‸"\u0062\u0079\u0074\u0065\u006f\u0072\u0064\u0065\u0072": "little"}',
        "duplicate-member",
        member="byteorder",
    )
    refuse(
        "duplicate-far-apart",
        '{"byteorder": "little", "a": [1, 2], "b": {"byteorder": 1}, ‸"byteorder": "little"}',
        "duplicate-member",
        member="byteorder",
    )
    refuse(
        "duplicate-three-times",
        '{"content-type": "a", ‸"content-type": "b", "content-type": "c"}',
        "duplicate-member",
        member="content-type",
    )
    refuse(
        "duplicate-two-members",
        '{"content-type": "a", "byteorder": "big", ‸"byteorder": "big", "content-type": "a"}',
        "duplicate-member",
        member="byteorder",
    )

    values = {"object": "{}", "array": "[]", "true": "true", "false": "false", "null": "null", "minus": "-1"}
    for name in STRINGS:
        label = name.replace("content-", "")
        digits = "0123456789" if name == "byteorder" else "09"
        for kind, value in {**values, **{digit: digit for digit in digits}}.items():
            refuse(f"{label}-is-{kind}", '{"%s": ‸%s, «-%s»}' % (name, value, name), "wrong-type", member=name)
        for kind, value in (
            ("nothing", "}"),
            ("comma", ","),
            ("bracket", "]"),
            ("colon", ":"),
            ("nan", "NaN"),
            ("infinity", "Infinity"),
            ("plus", "+1"),
            ("point", ".5"),
            ("capital-none", "None"),
            ("single-quotes", "'little'"),
            ("word", "little"),
            ("nul-byte", "‹00›"),
            ("slash", "/"),
        ):
            refuse(f"{label}-is-{kind}", '{"%s": ‸%s, «-%s»}' % (name, value, name), "unexpected-byte")
    refuse("wrong-type-misspelt-literal", '{"byteorder": ‸nope}', "wrong-type", member="byteorder")
    refuse("wrong-type-bad-number", '{"content-type": ‸01}', "wrong-type", member="content-type")
    refuse("wrong-type-minus-alone", '{"content-type": ‸-}', "wrong-type", member="content-type")
    refuse("wrong-type-array-of-string", '{"byteorder": ‸["little"], «-byteorder»}', "wrong-type", member="byteorder")
    refuse("wrong-type-escaped-name", r'{"\u0062yteorder": ‸1, «-byteorder»}', "wrong-type", member="byteorder")
    refuse("wrong-type-after-whitespace", '{"byteorder" : ‹0A 09›‸null}', "wrong-type", member="byteorder")

    for name, value in (
        ("capital-little", "Little"),
        ("upper-little", "LITTLE"),
        ("upper-big", "BIG"),
        ("capital-big", "Big"),
        ("empty", ""),
        ("trailing-space", "little "),
        ("leading-space", " little"),
        ("middle", "middle"),
        ("native", "native"),
        ("network", "network"),
        ("littl", "littl"),
        ("littlee", "littlee"),
        ("bi", "bi"),
        ("bigg", "bigg"),
        ("little-endian", "little-endian"),
        ("le", "le"),
        ("less-than", "<"),
        ("number", "1"),
        ("null", "null"),
        ("escaped-nul", r"little\u0000"),
        ("escaped-newline", r"big\n"),
        ("escaped-quotes", r"\"big\""),
        ("escaped-other", r"\u0042ig"),
        ("dotless-i", "lıttle"),
        ("fullwidth", "ｂｉｇ"),
        ("byte-order-mark", "‹EF BB BF›little"),
        ("combining", "big‹CC 81›"),
        ("both", "little big"),
        ("delete", "big‹7F›"),
        ("emoji", "🐰"),
        ("surrogate-pair", r"\ud83d\udc30"),
    ):
        refuse(f"byteorder-value-{name}", '{"byteorder": ‸"%s", «-byteorder»}' % value, "invalid-byteorder", spec="3.1")
    refuse(
        "byteorder-value-long",
        '{"byteorder": ‸"' + "little" * 100 + '", «-byteorder»}',
        "invalid-byteorder",
        "A byteorder of 600 bytes.",
        spec="3.1",
    )


def content_lengths():
    theme("content-length", "3.4", "The value of content-length: a plain integer from 0 to 2^64-1, and nothing else.")
    for name, length in (
        ("1", 1),
        ("9", 9),
        ("10", 10),
        ("99", 99),
        ("100", 100),
        ("65535", 65535),
        ("65536", 65536),
        ("65537", 65537),
        ("2-31-less-1", 2**31 - 1),
        ("2-31", 2**31),
        ("2-31-plus-1", 2**31 + 1),
        ("2-32-less-1", 2**32 - 1),
        ("2-32", 2**32),
        ("2-32-plus-1", 2**32 + 1),
        ("2-53-less-1", 2**53 - 1),
        ("2-53", 2**53),
        ("2-53-plus-1", 2**53 + 1),
        ("2-63-less-1", 2**63 - 1),
        ("2-63", 2**63),
        ("2-63-plus-1", 2**63 + 1),
        ("10-19", 10**19),
        ("2-64-less-2", 2**64 - 2),
        ("2-64-less-1", 2**64 - 1),
    ):
        vector(
            f"length-{name}",
            Stream().message('{«3», "content-length": %d}' % length, content_length=length),
            '{«3», "content-length": %d}, then the end of the stream' % length,
        )
    vector(
        "length-2-64-less-1-one-byte",
        Stream().message('{«3», "content-length": 18446744073709551615}', b"x", content_length=2**64 - 1),
        "The largest content-length, of which one byte came.",
    )
    vector(
        "length-2-32-some-bytes",
        Stream().message('{«3», "content-length": 4294967296}', b"0123456789", content_length=2**32),
        "A content-length of 2^32 must not wrap to 0.",
    )
    vector(
        "length-2-64-less-1-second",
        Stream()
        .message(*NEEDLE)
        .message('{«3», "content-length": 18446744073709551615}', b"ab", content_length=2**64 - 1),
        "The largest content-length in the second message: no offset may overflow.",
    )
    for name, text in (
        ("no-space", '{«3», "content-length":2}'),
        ("tabs", '{«3», "content-length"‹09›:‹09›2‹09›}'),
        ("newlines", '{«3», "content-length":‹0A 0D 0A›2‹0D 0A›}'),
        ("then-member", '{"content-length": 2 , «3»}'),
        ("then-member-no-space", '{"content-length":2,«3»}'),
        ("escaped-name", r'{«3», "\u0063ontent-length": 2}'),
    ):
        accept(f"length-{name}", text, "ab")
    accept("length-0-then-member", '{"content-length":0,«3»}')
    accept(
        "length-nested-is-free",
        '{«3», "content-length": 2, "x": {"content-length": "none"}}',
        "ab",
        extensions={"x": {"content-length": "none"}},
    )

    for name, value in (
        ("minus-1", "-1"),
        ("minus-0", "-0"),
        ("minus-39", "-39"),
        ("minus", "-"),
        ("plus-1", "+1"),
        ("plus-0", "+0"),
        ("float", "3.0"),
        ("float-zero", "0.0"),
        ("float-half", "0.5"),
        ("point-after", "5."),
        ("point-before", ".5"),
        ("exponent", "1e2"),
        ("exponent-upper", "1E2"),
        ("exponent-zero", "0e0"),
        ("exponent-minus", "10e-1"),
        ("exponent-cut", "1e"),
        ("00", "00"),
        ("01", "01"),
        ("007", "007"),
        ("0000", "0000"),
        ("leading-zeros-of-39", "039"),
        ("hex", "0x27"),
        ("octal", "0o47"),
        ("binary", "0b1"),
        ("suffix-n", "39n"),
        ("suffix-l", "39L"),
        ("suffix-k", "4K"),
        ("letters", "abc"),
        ("ratio-token", "1-1"),
        ("sum-token", "1+1"),
        ("ip", "1.2.3"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("none", "None"),
        ("nan", "NaN"),
        ("infinity", "Infinity"),
        ("minus-infinity", "-Infinity"),
        ("misspelt", "tru"),
        ("string", '"3"'),
        ("empty-string", '""'),
        ("string-word", '"39 bytes"'),
        ("single-quotes", "'3'"),
        ("array", "[3]"),
        ("empty-array", "[]"),
        ("object", '{"n": 3}'),
        ("empty-object", "{}"),
        ("missing-value", ""),
        ("missing-value-comma", ","),
        ("bracket", "]"),
        ("second-colon", ": 3"),
        ("nul-byte", "‹00›"),
        ("control-byte", "‹1F›3"),
        ("form-feed", "‹0C›3"),
        ("delete-byte", "‹7F›"),
        ("slash", "/"),
        ("comment", "/* 3 */ 3"),
        ("underscore", "_3"),
        ("open-string", '"'),
        ("open-array", "[[[["),
        ("hash", "#3"),
        ("dollar", "$3"),
        ("2-64", str(2**64)),
        ("2-64-plus-1", str(2**64 + 1)),
        ("2-64-plus-5", str(2**64 + 5)),
        ("2-65", str(2**65)),
        ("2-65-plus-5", str(2**65 + 5)),
        ("2-128", str(2**128)),
        ("10-20", str(10**20)),
        ("10-30", str(10**30)),
        ("20-nines", "9" * 20),
        ("maximum-times-10", str((2**64 - 1) * 10)),
        ("18446744073709551620", "18446744073709551620"),
        ("maximum-leading-zero", "018446744073709551615"),
        ("maximum-float", "18446744073709551615.0"),
    ):
        refuse(f"length-refused-{name}", '{«3», "content-length": ‸%s}' % value, "invalid-content-length")
    refuse(
        "length-refused-1000-digits",
        '{«3», "content-length": ‸' + "1" * 1000 + "}",
        "invalid-content-length",
        "A content-length of 1,000 digits.",
    )
    refuse(
        "length-refused-1000-zeros",
        '{«3», "content-length": ‸' + "0" * 1000 + "}",
        "invalid-content-length",
        "A content-length of 1,000 zeros.",
    )
    refuse("length-refused-after-whitespace", '{«3», "content-length" :‹0A 09›‸-1}', "invalid-content-length")
    refuse("length-refused-escaped-name", r'{«3», "content\u002dlength": ‸-1}', "invalid-content-length")
    refuse("length-refused-first-member", '{"content-length": ‸"39", «3»}', "invalid-content-length")
    refuse("length-refused-before-missing", '{"content-length": ‸-1}', "invalid-content-length")

    for name, value in (
        ("space-digits", "1 ‸000"),
        ("underscore", "1‸_000"),
        ("comma-digits", "1,‸000"),
        ("quote", '1‸"'),
        ("slash", "1‸/2"),
        ("bracket", "1‸]"),
        ("open-bracket", "1‸[]"),
        ("open-brace", "1‸{}"),
        ("colon", "1‸:2"),
        ("apostrophe", "1‸'000"),
        ("nul", "1‸‹00›"),
        ("control", "0‸‹0B›"),
        ("space-letter", "1 ‸e2"),
        ("space-minus", "1 ‸-1"),
        ("space-point", "1 ‸.5"),
        ("comment", "1 ‸// one"),
        ("percent", "50‸%"),
        ("comma-comma", "1,‸,"),
        ("trailing-comma", "1,‸"),
        ("equals", "1‸=1"),
        ("string", '1 ‸"x": 2'),
        ("delete", "1‸‹7F›"),
    ):
        refuse(f"length-then-{name}", '{«3», "content-length": %s}' % value, "unexpected-byte")


def nesting():
    theme("nesting", "6", "At most 64 objects and arrays open at once; the header object is the first.")

    def nested(brackets, innermost=None):
        """brackets such as "[{[": the text that opens them, closes them, and their value."""
        value = innermost
        for number, bracket in enumerate(reversed(brackets)):
            inner = [] if number == 0 and innermost is None else [value]
            value = inner if bracket == "[" else ({"a": value} if inner else {})
        openings = "".join("[" if b == "[" else '{"a":' for b in brackets[:-1]) + brackets[-1]
        if innermost is not None:
            openings += str(innermost) if brackets[-1] == "[" else '"a":%s' % innermost
        closings = "".join("]" if b == "[" else "}" for b in reversed(brackets))
        return openings, closings, value

    shapes = {
        "arrays": "[" * 65,
        "objects": "{" * 65,
        "mixed": "[{" * 33,
        "mixed-other": "{[" * 33,
        "arrays-then-objects": "[" * 32 + "{" * 33,
    }
    for name, shape in shapes.items():
        for depth in (2, 63, 64):
            openings, closings, value = nested(shape[: depth - 1])
            accept(
                f"depth-{depth}-{name}",
                '{«4», "x": ' + openings + closings + "}",
                extensions={"x": value},
                comment=f"{depth} open at once: {name}.",
                spec="5.2",
            )
        openings, closings, value = nested(shape[:63], 1)
        accept(
            f"depth-64-{name}-with-number",
            '{«4», "x": ' + openings + closings + "}",
            extensions={"x": value},
            comment=f"64 open at once, with a number inside: {name}.",
            spec="5.2",
        )
        openings, closings, _ = nested(shape[:64])
        refuse(
            f"depth-65-{name}",
            '{«4», "x": ' + openings[:-1] + "‸" + openings[-1] + closings + "}",
            "too-deep",
            limit=64,
            comment=f"The 65th opening bracket is one too many: {name}.",
        )
    refuse(
        "depth-65-arrays-first-member",
        '{"x": ' + "[" * 63 + "‸[" + "]" * 64 + ", «4»}",
        "too-deep",
        limit=64,
        comment="Too deep before any required member.",
    )
    refuse(
        "depth-65-object-in-arrays",
        '{«4», "x": ' + "[" * 63 + "‸{}" + "]" * 63 + "}",
        "too-deep",
        limit=64,
        comment="The 65th is an object.",
    )
    refuse(
        "depth-65-as-second-element",
        '{«4», "x": ' + "[" * 63 + "1, ‸[]" + "]" * 63 + "}",
        "too-deep",
        limit=64,
        comment="A deeper array after a number.",
    )
    refuse(
        "depth-65-after-sibling",
        '{«4», "x": [' + "[" * 62 + "]" * 62 + ", " + "[" * 62 + "‸[]" + "]" * 62 + "]}",
        "too-deep",
        limit=64,
        comment="A first element of depth 64, a second of depth 65.",
    )
    refuse(
        "depth-2000-unclosed",
        '{«4», "x": ' + "[" * 63 + "‸[" + "[" * 1936,
        "too-deep",
        limit=64,
        comment="2,000 opening brackets, none closed.",
    )
    refuse(
        "depth-65-nothing-after",
        '{«4», "x": ' + "[" * 63 + "‸[",
        "too-deep",
        limit=64,
        comment="The header ends with the 65th bracket: too-deep, not unexpected-end.",
        spec="5.4",
    )
    refuse(
        "depth-65-overridden",
        '{«4», "x": ' + "[" * 63 + "‸[" + "]" * 64 + ', "x": 1}',
        "too-deep",
        limit=64,
        comment="Too deep in a value that a later member would replace.",
    )
    refuse(
        "depth-64-unclosed",
        '{«4», "x": ' + "[" * 63 + "‸",
        "unexpected-end",
        comment="64 open at once when the header ends.",
        spec="5.3",
    )
    refuse(
        "depth-64-closed-wrong",
        '{«4», "x": ' + "[" * 63 + "]" * 62 + "‸}]",
        "unexpected-byte",
        comment="The 63rd array is closed by a brace.",
        spec="5.3",
    )
    refuse(
        "depth-64-mixed-closed-wrong",
        '{«4», "x": ' + '[{"a":' * 31 + "[" + "]‸]" + "}]" * 30 + "}",
        "unexpected-byte",
        comment="At depth 63 an object is closed by a bracket.",
        spec="5.3",
    )
    accept(
        "depth-64-twice",
        '{«4», "x": ' + "[" * 63 + "]" * 63 + ', "y": ' + "[" * 63 + "]" * 63 + "}",
        spec="5.2",
        comment="Depth counts what is open at once: two members of depth 64.",
        extensions={"x": nested("[" * 63)[2], "y": nested("[" * 63)[2]},
    )
    accept(
        "depth-many-siblings",
        '{«4», "x": [' + ", ".join(["[[]]"] * 100) + "]}",
        spec="5.2",
        comment="A hundred siblings, opened and closed.",
        extensions={"x": [[[]] for _ in range(100)]},
    )
    accept(
        "depth-brackets-in-string",
        '{«4», "x": "' + "[{" * 100 + '"}',
        spec="5.2",
        comment="Brackets inside a string do not count.",
        extensions={"x": "[{" * 100},
    )
    vector(
        "depth-65-second-message",
        Stream()
        .message('{«4», "x": ' + "[" * 63 + "]" * 63 + "}", extensions={"x": nested("[" * 63)[2]})
        .fault('{«4», "x": ' + "[" * 63 + "‸[" + "]" * 64 + "}", "too-deep", limit=64),
        "Depth starts anew with each message.",
    )


def order():
    theme("order", "5.4", "Of several faults the first that is met, reading from left to right, is the one reported.")
    one = {"member": "byteorder"}
    for name, text, kind, fields, comment in (
        ("duplicate-before-missing", '{"byteorder": "little", ‸"byteorder": "little"}', "duplicate-member", one, None),
        (
            "duplicate-before-colon",
            '{"byteorder": "little", ‸"byteorder" "little"}',
            "duplicate-member",
            one,
            "duplicate-member is met at the second name's closing quote.",
        ),
        ("duplicate-before-value", '{"byteorder": "little", ‸"byteorder": 1}', "duplicate-member", one, None),
        (
            "duplicate-before-bad-length",
            '{«4», ‸"content-length": -1}',
            "duplicate-member",
            {"member": "content-length"},
            None,
        ),
        ("duplicate-closed-by-brace", '{«4», ‸"content-type"}', "duplicate-member", {"member": "content-type"}, None),
        ("control-in-second-name", '{«4», "byteorder‸‹01›": "little"}', "control-character", {}, None),
        ("bad-escape-in-second-name", r'{«4», "byteorder‸\x": "little"}', "invalid-escape", {}, None),
        ("wrong-type-before-duplicate", '{"byteorder": ‸1, "byteorder": "little"}', "wrong-type", one, None),
        ("byteorder-before-duplicate", '{"byteorder": ‸"x", "byteorder": "little"}', "invalid-byteorder", {}, None),
        ("byteorder-before-missing", '{"byteorder": ‸"x"}', "invalid-byteorder", {}, None),
        (
            "byteorder-before-comma",
            '{"byteorder": ‸"x" "y"}',
            "invalid-byteorder",
            {},
            "invalid-byteorder is met at the value's closing quote.",
        ),
        ("byteorder-before-trailing", '{«-byteorder», "byteorder": ‸"x"}}', "invalid-byteorder", {}, None),
        ("control-before-byteorder", '{"byteorder": "x‸‹01›"}', "control-character", {}, None),
        ("escape-before-byteorder", r'{"byteorder": "x‸\x"}', "invalid-escape", {}, None),
        ("surrogate-before-byteorder", r'{"byteorder": "x‸\ud800"}', "lone-surrogate", {}, None),
        ("utf8-before-byteorder", '{"byteorder": "x‸‹FF›"}', "not-utf8", {}, None),
        ("missing-before-trailing", '{"x": 1‸}}', "missing-member", one, None),
        ("missing-before-trailing-not-utf8", "{‸}‹FF›", "missing-member", one, None),
        ("comma-before-missing", "{«-byteorder»,‸}", "unexpected-byte", {}, None),
        ("end-before-missing", '{"x": 1‸', "unexpected-end", {}, None),
        ("wrong-type-before-grammar", '{"byteorder": ‸[1,,], x}', "wrong-type", one, None),
        (
            "wrong-type-before-too-deep",
            '{"byteorder": ‸' + "[" * 70 + "}",
            "wrong-type",
            one,
            "A required member that nests too deep is of the wrong type first.",
        ),
        (
            "wrong-type-before-not-utf8",
            '{"content-type": ‸{"‹FF›": 1}}',
            "wrong-type",
            {"member": "content-type"},
            None,
        ),
        (
            "wrong-type-before-wrong-type",
            '{"content-encoding": ‸1, "content-type": 2}',
            "wrong-type",
            {"member": "content-encoding"},
            None,
        ),
        ("length-before-grammar", '{"content-length": ‸-1 x', "invalid-content-length", {}, None),
        ("length-before-missing", '{"content-length": ‸1.5}', "invalid-content-length", {}, None),
        ("length-before-not-utf8-after", '{"content-length": ‸01‹FF›}', "invalid-content-length", {}, None),
        ("grammar-after-length-before-missing", '{"content-length": 1‸;}', "unexpected-byte", {}, None),
        ("grammar-before-length", '{"x": ‸x, "content-length": -1}', "unexpected-byte", {}, None),
        ("grammar-before-utf8", '{‸x "‹FF›"}', "unexpected-byte", {}, None),
        ("utf8-before-grammar", '{"‸‹FF›" x}', "not-utf8", {}, None),
        ("utf8-before-control", '{"x": "‸‹C3 01›"}', "not-utf8", {}, None),
        ("control-before-utf8", '{"x": "‸‹01 FF›"}', "control-character", {}, None),
        ("escape-before-control", r'{"x": "‸\‹01›"}', "invalid-escape", {}, None),
        ("escape-before-utf8", r'{"x": "‸\q‹FF›"}', "invalid-escape", {}, None),
        ("control-before-escape", r'{"x": "‸‹09›\q"}', "control-character", {}, None),
        ("surrogate-before-control", r'{"x": "‸\ud800‹01›"}', "lone-surrogate", {}, None),
        ("surrogate-before-escape", r'{"x": "‸\ud800\q"}', "lone-surrogate", {}, None),
        ("escape-before-surrogate", r'{"x": "‸\q\ud800"}', "invalid-escape", {}, None),
        ("string-fault-before-end", '{"x": "‸‹1F›', "control-character", {}, None),
        ("not-an-object-before-utf8", "‸[‹FF›", "not-an-object", {}, None),
        ("not-an-object-before-end", "‸x", "not-an-object", {}, None),
        ("mark-before-not-an-object", "‸‹EF BB BF›[", "byte-order-mark", {}, None),
        (
            "too-deep-before-grammar",
            '{"x": ' + "[" * 63 + "‸[x",
            "too-deep",
            {"limit": 64},
            "The 65th bracket comes before the letter.",
        ),
        (
            "grammar-before-too-deep",
            '{"x": [‸x' + "[" * 70,
            "unexpected-byte",
            {},
            "The letter comes before the 65th bracket.",
        ),
        (
            "first-bad-member-wins",
            '{"content-type": "t", "byteorder": ‸"x", "content-length": -1, "content-encoding": 1}',
            "invalid-byteorder",
            {},
            None,
        ),
        ("trailing-before-trailing-not-utf8", "{«4»}‸x‹FF›", "trailing-data", {}, None),
        ("trailing-not-utf8-before-byte", "{«4»}‸‹FF›x", "not-utf8", {}, None),
    ):
        refuse(name, text, kind, comment, **fields)
    refuse(
        "header-fault-before-content",
        "{«3»‸}",
        "missing-member",
        after=b"",
        member="content-length",
        comment="A header fault at the very end of the stream.",
    )
    refuse(
        "header-fault-before-truncated-content",
        '{"content-type": ‸1, "content-length": 1000}',
        "wrong-type",
        member="content-type",
        comment="The header is judged before its content is waited for.",
    )
    vector(
        "truncated-before-header-fault",
        Stream().half_header("{not‸ an object"),
        "A header is judged when it is whole: until then its stream is truncated.",
    )
    vector(
        "truncated-before-byte-order-mark",
        Stream().half_header("‹EF BB BF›‸{«4»}"),
        "Truncated, although the bytes that came are wrong.",
    )
    vector(
        "truncated-before-not-utf8",
        Stream().half_header("{‹FF FF›‸}"),
        "Truncated, although the bytes that came are not UTF-8.",
    )
    vector(
        "truncated-before-last-byte",
        Stream().half_header('{"byteorder": 1, "byteorder": 2 ‸}'),
        "Truncated by one byte, although the header has faults.",
    )
    vector(
        "empty-header-before-capacity",
        Stream().prefix_fault(b"\0\0", "empty-header"),
        "Header length 0 is empty-header for any capacity.",
        capacity=1,
    )
    vector(
        "capacity-before-header-fault",
        Stream().prefix_fault(prefixed(b"not an object"), "header-too-long", length=13, capacity=12),
        "The header length is judged before the header.",
        capacity=12,
    )
    vector(
        "capacity-before-truncated",
        Stream().prefix_fault(b"\x01\x00", "header-too-long", length=256, capacity=255),
        "The header length is judged on its two bytes alone.",
        capacity=255,
    )
    vector(
        "header-fault-before-limit",
        Stream().fault('{"content-length": 1000‸}', "missing-member", member="byteorder"),
        "The limit is asked once the header is good.",
        limit=10,
    )
    vector(
        "limit-before-truncated",
        Stream().too_long('{«3», "content-length": 11}', 11, 10),
        "The limit is judged before the stream's end.",
        limit=10,
    )


SECOND = (
    # kind, text, fields
    ("not-utf8", '{«4», "x": "‸‹FF›"}', {}),
    ("byte-order-mark", "‸‹EF BB BF›{«4»}", {}),
    ("not-an-object", "‸[{«4»}]", {}),
    ("unexpected-byte", "{«4»,‸}", {}),
    ("unexpected-end", "{«4»‸", {}),
    ("trailing-data", "{«4»} ‸{", {}),
    ("control-character", '{«4», "x": "‸‹0A›"}', {}),
    ("invalid-escape", r'{«4», "x": "‸\x"}', {}),
    ("lone-surrogate", r'{«4», "x": "‸\ud83d"}', {}),
    ("missing-member", "{«-content-encoding»‸}", {"member": "content-encoding"}),
    ("duplicate-member", '{«4», ‸"content-length": 0}', {"member": "content-length"}),
    ("wrong-type", '{"content-type": ‸null, «-content-type»}', {"member": "content-type"}),
    ("invalid-byteorder", '{"byteorder": ‸"BIG", «-byteorder»}', {}),
    ("invalid-content-length", '{«3», "content-length": ‸-0}', {}),
)


def streams():
    theme(
        "streams",
        "5.3",
        "Several messages in one stream, with a fault in a later one: offsets count from the stream's start.",
    )
    for kind, text, fields in SECOND:
        vector(f"second-message-{kind}", Stream().message(*NEEDLE).fault(text, kind, **fields))
        vector(
            f"third-message-{kind}",
            Stream().message().message(*NO_MATCH).fault(text, kind, b"more", **fields),
            f"{kind} in the third message: {text}",
        )
    vector(
        "second-message-header-too-long",
        Stream().message(*NEEDLE).prefix_fault(b"\0h{", "header-too-long", length=104, capacity=103),
        "The second header is one byte over the capacity.",
        capacity=103,
    )
    vector(
        "second-message-content-too-long",
        Stream().message(*NEEDLE).too_long('{«3», "content-length": 40}', 40, 39, b"x" * 40),
        "The second content is one byte over the limit.",
        limit=39,
    )
    vector(
        "second-message-truncated",
        Stream().message(*NEEDLE).message('{«3», "content-length": 9}', b"12345678", content_length=9),
        "The second content lacks its last byte.",
    )
    vector(
        "members-do-not-carry-over",
        Stream().message().fault("{‸}", "missing-member", member="byteorder"),
        "Required members of one message do not count for the next.",
    )
    vector(
        "duplicates-do-not-carry-over", Stream().message().message(), "A member of the message before is no duplicate."
    )
    vector(
        "extensions-do-not-carry-over",
        Stream()
        .message('{«4», "x": 1}', extensions={"x": 1})
        .message("{«4»}")
        .message('{«4», "y": 2}', extensions={"y": 2}),
        "Extension members belong to one message.",
    )
    vector(
        "headers-shrink-and-grow",
        Stream()
        .message('{«4», "x": "' + "y" * 200 + '"}', extensions={"x": "y" * 200})
        .message("{«4»}")
        .message('{«4», "x": "' + "z" * 100 + '"}', extensions={"x": "z" * 100}),
        "A short header after a long one leaves nothing of it.",
    )
    vector(
        "second-escaped-content-type",
        Stream()
        .message(r'{"content-type": "\u0041\u0042\u0043", «-content-type»}', content_type="ABC")
        .message('{"content-type": "D", «-content-type»}', content_type="D"),
        "An unescaped value is not left over in the next message.",
    )
    vector(
        "both-byteorders",
        Stream()
        .message('{"byteorder": "big", «-byteorder»}', byteorder="big")
        .message()
        .message('{"byteorder": "big", «-byteorder»}', byteorder="big"),
        "byteorder belongs to one message.",
    )


def truncated():
    theme("truncated", "5.5", "Streams that end inside a message, at every structural place, and what is missing then.")
    text, content = NEEDLE
    whole = prefixed(text.encode()) + content.encode()
    vector("cut-in-prefix", Stream().half_prefix(0x00), "One byte of the proto-header.")
    vector(
        "cut-in-prefix-ff",
        Stream().half_prefix(0xFF),
        "One byte of the proto-header, 0xFF: nothing is known of the length yet.",
    )
    vector(
        "cut-in-prefix-capacity", Stream().half_prefix(0xFF), "One byte says nothing about the capacity.", capacity=16
    )
    for name, before in (
        ("after-prefix", ""),
        ("after-brace", "{"),
        ("in-first-name", '{"byte'),
        ("after-first-name", '{"byteorder"'),
        ("after-colon", '{"byteorder":'),
        ("in-value", '{"byteorder": "lit'),
        ("after-value", '{"byteorder": "little"'),
        ("after-comma", '{"byteorder": "little",'),
        ("after-space", '{"byteorder": "little", '),
        ("before-length-digits", text[:-3]),
        ("in-length-digits", text[:-2]),
        ("before-closing-brace", text[:-1]),
    ):
        assert text.startswith(before)
        vector(
            f"cut-{name}", Stream().half_header(before + "‸" + text[len(before) :]), before + "‸" + text[len(before) :]
        )
    for name, text2 in (
        ("in-escape", r'{«4», "x": "\u00‸41"}'),
        ("in-surrogate-pair", r'{«4», "x": "\ud83d‸\udc30"}'),
        ("in-utf8", '{«4», "x": "‹F0 9F›‸‹90 B0›"}'),
        ("in-literal", '{«4», "x": tr‸ue}'),
        ("in-number", '{«4», "x": 1.‸5}'),
        ("in-array", '{«4», "x": [1,‸ 2]}'),
        ("in-nested-object", '{«4», "x": {‸}}'),
        ("before-trailing-space", "{«4»}‸ "),
        ("in-leading-space", " ‸ {«4»}"),
    ):
        vector(f"cut-{name}", Stream().half_header(text2))
    for came in (0, 1, 2, 20, 37, 38):
        vector(
            f"cut-after-{came}-of-39-content-bytes",
            Stream().message(text, content[:came], content_length=39),
            f"{came} of 39 bytes of content.",
        )
    vector("cut-after-golden", Stream().message(*NEEDLE), "The whole golden request: a clean end.")
    vector(
        "cut-after-empty-content", Stream().message(), "A message without content needs no further byte: a clean end."
    )
    vector("cut-after-two-messages", Stream().message(*NEEDLE).message(*NO_MATCH), "A clean end after two messages.")
    vector("cut-in-second-prefix", Stream().message(*NEEDLE).half_prefix(0x00), "One byte of the second proto-header.")
    vector(
        "cut-in-second-prefix-after-empty",
        Stream().message().half_prefix(0x01),
        "One byte of the proto-header after a message without content.",
    )
    vector(
        "cut-after-second-prefix",
        Stream().message(*NEEDLE).half_header("‸{«4»}"),
        "The second proto-header, and nothing of its header.",
    )
    vector(
        "cut-in-second-header",
        Stream().message(*NEEDLE).half_header('{"byteorder"‸: "little", «-byteorder»}'),
        "A part of the second header.",
    )
    vector(
        "cut-before-second-content",
        Stream().message(*NEEDLE).message('{«3», "content-length": 1}', content_length=1),
        "The second header, and nothing of its content.",
    )
    vector(
        "cut-in-second-content",
        Stream().message(*NEEDLE).message('{«3», "content-length": 100}', b"\0" * 40, content_length=100),
        "A part of the second content.",
    )
    vector(
        "cut-after-fault",
        Stream().fault("{«4»‸]", "unexpected-byte"),
        "The stream's end after a fault is not reported.",
    )
    stream = Stream()
    stream.data = b"\xff\xff{"
    vector("cut-in-longest-header", stream.truncated(65534), "One byte of a header of 65,535 bytes.")
    stream = Stream()
    stream.data = b"\x00\x01"
    vector("cut-before-one-byte-header", stream.truncated(1), "Nothing of a header of one byte.")
    vector(
        "cut-in-content-like-a-header",
        Stream().message('{«3», "content-length": 200}', whole[:105], content_length=200),
        "Content that looks like a message is content.",
    )


def limits():
    theme("limits", "6", "What a receiver takes: the header capacity and the limit on content-length.")
    text = NEEDLE[0]
    for capacity in (103, 104, 255, 256, 65534):
        vector(
            f"capacity-{capacity}-fits-103",
            Stream().message(*NEEDLE),
            f"A header of 103 bytes, a capacity of {capacity}.",
            capacity=capacity,
        )
    for capacity in (1, 2, 64, 102):
        vector(
            f"capacity-{capacity}-refuses-103",
            Stream().prefix_fault(prefixed(text.encode()), "header-too-long", length=103, capacity=capacity),
            f"A header of 103 bytes, a capacity of {capacity}.",
            capacity=capacity,
        )
    vector(
        "capacity-1-fits-1",
        Stream().fault("{‸", "unexpected-end"),
        "A header of one byte fits, and is no object.",
        capacity=1,
    )
    vector(
        "capacity-1-refuses-2",
        Stream().prefix_fault(prefixed(b"{}"), "header-too-long", length=2, capacity=1),
        "A header of two bytes, a capacity of one.",
        capacity=1,
    )
    vector(
        "capacity-255-refuses-256",
        Stream().prefix_fault(b"\x01\x00{", "header-too-long", length=256, capacity=255),
        "The high byte of the length counts.",
        capacity=255,
    )
    vector(
        "capacity-256-waits-for-256",
        Stream().half_header("{‸" + " " * 254 + "}"),
        "A header of 256 bytes fits a capacity of 256.",
        capacity=256,
    )
    vector(
        "capacity-4096-refuses-4097",
        Stream().prefix_fault(b"\x10\x01", "header-too-long", length=4097, capacity=4096),
        "Known from two bytes alone.",
        capacity=4096,
    )
    vector(
        "capacity-65534-refuses-65535",
        Stream().prefix_fault(b"\xff\xff", "header-too-long", length=65535, capacity=65534),
        "The longest header, a capacity of one byte less.",
        capacity=65534,
    )
    vector(
        "capacity-at-second-message",
        Stream()
        .message(*NEEDLE)
        .message(*NO_MATCH)
        .prefix_fault(b"\x00\x68", "header-too-long", length=104, capacity=103),
        "Two headers fit, the third does not.",
        capacity=103,
    )
    vector(
        "capacity-no-limit-on-content",
        Stream().message('{«3», "content-length": 300}', b"c" * 300),
        "The header capacity says nothing about content.",
        capacity=104,
    )

    base = expand("{«4»}")[0]
    padding = " " * (65535 - len(base))
    accept(
        "longest-header-padded",
        "{«4»" + padding + "}",
        comment="A header of 65,535 bytes, most of them spaces.",
        spec="5.2",
    )
    value = "v" * (65535 - len(base) - len(', "x": ""'))
    accept(
        "longest-header-canonical",
        '{«4», "x": "' + value + '"}',
        comment="A header of 65,535 bytes, most of them one string.",
        spec="4",
        canonical=True,
        extensions={"x": value},
    )
    refuse(
        "longest-header-unclosed",
        "{«4»" + padding + " ‸",
        "unexpected-end",
        comment="A header of 65,535 bytes that lacks its closing brace.",
        spec="5.3",
    )

    vector("limit-0-takes-0", Stream().message(), "Content-length 0 is within any limit.", limit=0)
    vector(
        "limit-0-refuses-1",
        Stream().too_long('{«3», "content-length": 1}', 1, 0, b"x"),
        '{«3», "content-length": 1}',
        limit=0,
    )
    vector("limit-39-takes-39", Stream().message(*NEEDLE), "Content as long as the limit.", limit=39)
    vector(
        "limit-38-refuses-39",
        Stream().too_long(text, 39, 38, NEEDLE[1].encode()),
        "Content one byte over the limit; the header is reported, the content is not.",
        limit=38,
    )
    vector(
        "limit-38-refuses-39-at-header",
        Stream().too_long(text, 39, 38),
        "Known at the header, before any content.",
        limit=38,
    )
    vector(
        "limit-refuses-2-32",
        Stream().too_long('{«3», "content-length": 4294967296}', 2**32, 1048576, b"abc"),
        '{«3», "content-length": 4294967296}',
        limit=1048576,
    )
    vector(
        "limit-refuses-2-63",
        Stream().too_long('{«3», "content-length": 9223372036854775808}', 2**63, 1048576),
        '{«3», "content-length": 9223372036854775808}',
        limit=1048576,
    )
    vector(
        "limit-refuses-maximum",
        Stream().too_long('{«3», "content-length": 18446744073709551615}', 2**64 - 1, 1048576),
        '{«3», "content-length": 18446744073709551615}',
        limit=1048576,
    )
    vector(
        "limit-waits-within",
        Stream().message('{«3», "content-length": 1048576}', b"abc", content_length=1048576),
        "A content-length equal to the limit is waited for.",
        limit=1048576,
    )
    vector(
        "limit-is-a-message-s-own",
        Stream().message(*NEEDLE).message(*NO_MATCH).message(*NEEDLE),
        "The limit is on each message, not on their sum.",
        limit=39,
    )
    vector(
        "limit-at-second-message",
        Stream().message().too_long(text, 39, 10, NEEDLE[1].encode()),
        "The first message is within the limit, the second is not.",
        limit=10,
    )
    vector(
        "limit-after-extensions",
        Stream().too_long('{"content-length": 11, «3», "x": 1}', 11, 10, extensions={"x": 1}),
        "The offset is the header's end, not the member's.",
        limit=10,
    )
    vector(
        "limit-and-capacity",
        Stream().message(*NEEDLE).too_long('{«3», "content-length": 40}', 40, 39),
        "Both limits at once, each met exactly by the first message.",
        capacity=103,
        limit=39,
    )


# ------------------------------------------------------------------------------------ dialects: Appendix C

FORMS = {"standard": ">H", "u16-le": "<H", "u32": ">I", "u32-le": "<I", "u8": ">B"}


def dialects():
    theme("dialects/streams", "C", "Streams in a dialect, which is agreed upon beforehand: `dialect` is its name.")

    for dialect in (
        "standard",
        "u16-le",
        "u32",
        "u32-le",
        "u8",
        "standard,underscores",
        "u32,no-byteorder",
        "u16-le,no-encoding",
        "u8,no-byteorder,no-type,no-encoding",
        "u32-le,underscores,no-byteorder",
    ):
        form = FORMS[dialect.split(",")[0]]
        size, order = struct.calcsize(form), "little" if form[0] == "<" else "big"
        joint = "_" if "underscores" in dialect else "-"
        name = dialect.replace(",", "-")

        def header(length, byteorder="big", more=""):
            return (
                f'{{"byteorder": "{byteorder}", "content{joint}type": "a/b", "content{joint}encoding": "c", '
                f'"content{joint}length": {length}{more}}}'
            )

        ours = {"content_type": "a/b", "content_encoding": "c"}
        big = {"byteorder": "big", **ours}

        def one():
            return Stream(form).message(header(3), b"abc", **big)

        vector(
            f"{name}-two-messages",
            one().message(header(0, "little", ', "x": [1, 2]'), extensions={"x": [1, 2]}, **ours),
            "The length is read as the dialect says, and so are the names.",
            dialect=dialect,
        )
        if size > 1:
            vector(
                f"{name}-cut-in-proto-header",
                one().half_prefix(1),
                "All bytes of the second proto-header but the last.",
                dialect=dialect,
            )
        vector(
            f"{name}-empty-header",
            Stream(form).prefix_fault(bytes(size), "empty-header"),
            "A header length of 0.",
            dialect=dialect,
        )
        longer = len(header(3)) + 10
        vector(
            f"{name}-over-capacity",
            one().prefix_fault(longer.to_bytes(size, order), "header-too-long", length=longer, capacity=longer - 10),
            "The second header is longer than the capacity, which the first one fills.",
            dialect=dialect,
            capacity=longer - 10,
        )

    section("C.1")
    for name, dialect, data, length in (
        ("u32-header-of-65536-bytes", "u32,no-byteorder", b"\0\1\0\0", 65536),
        ("u32-header-of-4-gib", "u32,no-byteorder", b"\xff\xff\xff\xff", 2**32 - 1),
        ("u32-le-header-of-16-mib", "u32-le", b"\0\0\0\1", 2**24),
    ):
        vector(
            name,
            Stream(FORMS[dialect.split(",")[0]]).prefix_fault(data, "header-too-long", length=length, capacity=65535),
            f"No header is longer than 65,535 bytes: {length}.",
            dialect=dialect,
        )
    text = expand('{«4», "x": ""}')[0].decode()
    longest = text[:-2] + "y" * (255 - len(text)) + text[-2:]
    vector(
        "u8-longest-header",
        Stream(">B").message(longest, extensions={"x": "y" * (255 - len(text))}),
        "A header of 255 bytes.",
        dialect="u8",
    )
    for dialect in ("u8", "u16-le", "u32"):
        form = FORMS[dialect]
        vector(
            f"{dialect}-not-an-object",
            Stream(form).foreign(struct.pack(form, 200) + b"x\xff"),
            "The first byte of a header is judged before the header is whole, in every dialect.",
            dialect=dialect,
        )

    section("C.3")

    def underscored(name, text, kind=None, content=b"", dialect="standard,underscores", **members):
        stream = Stream(FORMS[dialect.split(",")[0]])
        stream = stream.fault(text, kind, **members) if kind else stream.message(text, content, **members)
        vector(name, stream, dialect=dialect)

    underscored("underscores-hyphens-understood", '{«3», "content-length": 1}', content=b"z")
    underscored(
        "underscores-escaped",
        r'{"byteorder": "little", "content\u005ftype": "a/b", "c\u006fntent_encoding": "c", "content_lengt\u0068": 1}',
        content=b"z",
        content_type="a/b",
        content_encoding="c",
    )
    for name, first, second in (
        ("hyphen-first", "content-length", "content_length"),
        ("hyphen-second", "content_length", "content-length"),
        ("both-underscores", "content_length", "content_length"),
        ("second-escaped", "content_length", r"content\u005flength"),
        ("first-escaped", r"content\u005flength", "content-length"),
    ):
        underscored(
            f"underscores-twice-{name}",
            f'{{"{first}": 1, ‸"{second}": 1}}',
            "duplicate-member",
            member="content-length",
        )
    underscored(
        "underscores-twice-type",
        '{"content_type": "a", "byteorder": "big", ‸"content-type": "a"}',
        "duplicate-member",
        member="content-type",
    )
    underscored("underscores-wrong-type", '{"content_type": ‸1}', "wrong-type", member="content-type")
    underscored("underscores-bad-length", '{"content_length": ‸-1}', "invalid-content-length")
    underscored("underscores-byte-order-is-no-alias", '{"byte_order": "big"‸}', "missing-member", member="byteorder")
    underscored(
        "standard-underscores-are-extensions",
        '{«3», "content-length": 1, "content_length": 5}',
        content=b"z",
        dialect="standard",
        extensions={"content_length": 5},
    )
    underscored(
        "standard-underscores-do-not-count",
        '{"byteorder": "big", "content_type": "a", "content_encoding": "b", "content_length": 1‸}',
        "missing-member",
        dialect="standard",
        member="content-type",
    )

    section("C.4")
    bare = "u8,no-byteorder,no-type,no-encoding"
    underscored("absent-all", '{"content-length": 2}', content=b"{}", dialect=bare)
    underscored(
        "absent-none",
        '{"content-length": 2, "byteorder": "big", "content-type": "", "content-encoding": "x"}',
        content=b"{}",
        dialect=bare,
        byteorder="big",
        content_type="",
        content_encoding="x",
    )
    underscored(
        "absent-with-values",
        '{"content-length": 2}',
        content=b"{}",
        dialect="u32,no-byteorder=big,no-type=a/b,no-encoding=latin-1",
        byteorder="big",
        content_type="a/b",
        content_encoding="latin-1",
    )
    underscored(
        "absent-extension-like-alias",
        '{"content-length": 0, "content_type": 1}',
        dialect=bare,
        extensions={"content_type": 1},
    )
    for name, text, kind, member in (
        ("length", "{‸}", "missing-member", "content-length"),
        ("byteorder", '{"byteorder": ‸"middle", "content-length": 0}', "invalid-byteorder", "byteorder"),
        ("byteorder-null", '{"byteorder": ‸null, "content-length": 0}', "wrong-type", "byteorder"),
        ("type", '{"content-type": ‸3, "content-length": 0}', "wrong-type", "content-type"),
        ("twice", '{"content-length": 0, ‸"content-length": 0}', "duplicate-member", "content-length"),
        ("alias", '{"content_length": 0‸}', "missing-member", "content-length"),
    ):
        underscored(f"absent-but-at-fault-{name}", text, kind, dialect=bare, member=member)
    underscored(
        "absent-one-others-required",
        '{"content-type": "a", "content-length": 0‸}',
        "missing-member",
        dialect="u32,no-byteorder",
        member="content-encoding",
    )


def departures():
    """Prefixes, other names, absent lengths and texts that are no strings."""
    theme(
        "dialects/departures",
        "C",
        "Streams in dialects with prefixes, other names, absent lengths and raw JSON; `prefix` is what comes before a proto-header.",
    )

    def case(name, text, kind=None, content=b"", dialect="standard", before=b"", comment=None, **members):
        stream = Stream(FORMS[dialect.split(",")[0]], before)
        stream = stream.fault(text, kind, **members) if kind else stream.message(text, content, **members)
        vector(name, stream, comment, dialect=dialect)

    section("C.2")
    two, version = "u16-le,prefix=0001", b"\0\1"

    def one():
        return Stream("<H", version).message('{«3», "content-length": 3}', b"abc")

    vector(
        "prefix-two-messages",
        one().message('{«4», "x": 1}', before=b"\xff\x7b", extensions={"x": 1}).message(),
        "Each message has a prefix, of any bytes.",
        dialect=two,
    )
    vector("prefix-none", Stream("<H", version), "A stream without a message ends cleanly.", dialect=two)
    for name, lacking, comment in (
        ("prefix", 3, "One of two bytes of a prefix, after which two of a proto-header are missing."),
        ("prefix-end", 2, "All of a prefix, and none of a proto-header."),
        ("proto-header", 1, "A prefix and half of a proto-header."),
    ):
        vector(f"prefix-cut-in-{name}", Stream("<H", version).half_prefix(0xFF, lacking), comment, dialect=two)
        vector(f"prefix-cut-in-second-{name}", one().half_prefix(0, lacking), comment, dialect=two)
    vector(
        "prefix-empty-header",
        one().prefix_fault(b"\0\0", "empty-header"),
        "The fault is at the proto-header, after the prefix.",
        dialect=two,
    )
    vector(
        "prefix-over-capacity",
        one().prefix_fault(b"\x69\0", "header-too-long", length=105, capacity=104),
        "The capacity counts headers without their prefix: the first one fills it.",
        dialect=two,
        capacity=104,
    )
    vector(
        "prefix-at-capacity",
        one().message('{«3», "content-length": 0}', before=b"zz").message('{«3», "content-length": 1}', b"y"),
        "Headers that fit exactly, after a prefix.",
        dialect=two,
        capacity=104,
    )
    vector(
        "prefix-not-an-object",
        one().foreign(struct.pack("<H", 200) + b"x\xff"),
        "The first byte of a header is judged before the header is whole.",
        dialect=two,
    )
    case("prefix-fault-in-header", '{"byteorder": ‸"BIG"}', "invalid-byteorder", dialect=two, before=version)
    case("prefix-like-a-header", "{«4»}", dialect="standard,prefix=00007b7d", before=b"\0\x02{}")
    bare = "no-byteorder,no-type,no-encoding,no-length"
    vector(
        "prefix-longer-than-header",
        Stream(">B", bytes(32)).message("{}").message("{}", before=b"\xff" * 32),
        "A prefix of 32 bytes, for which a capacity of 2 is enough.",
        dialect=f"u8,prefix={'00' * 32},{bare}",
        capacity=2,
    )

    section("C.3")
    for name, alias in (
        ("shorter", "n"),
        ("longer", "x" * 70),
        ("quote", 'a"b\\c'),
        ("beyond-ascii", "länge🐰"),
        ("space", "a b"),
    ):
        dialect = f"standard,length={alias}"
        spelt = json.dumps(alias, ensure_ascii=False)
        escaped = "".join(
            f"\\u{unit:04x}"
            for unit in struct.unpack(f">{len(alias.encode('utf-16-be')) // 2}H", alias.encode("utf-16-be"))
        )
        case(
            f"alias-{name}",
            f'{{«3», {spelt}: 2, "x": "\\n"}}',
            content=b"ab",
            dialect=dialect,
            comment="The other name, before an extension with an escape.",
            extensions={"x": "\n"},
        )
        case(
            f"alias-{name}-escaped",
            f'{{"{escaped}": 1, «3», "x": "\\n", "y": 1}}',
            content=b"a",
            dialect=dialect,
            comment="All of the other name is escaped.",
            extensions={"x": "\n", "y": 1},
        )
        case(f"alias-{name}-own", '{«3», "content-length": 1}', content=b"a", dialect=dialect)
        case(
            f"alias-{name}-twice",
            f'{{"content-length": 1, ‸"{escaped}": 1}}',
            "duplicate-member",
            dialect=dialect,
            comment="Both names are the member twice.",
            member="content-length",
        )
        case(
            f"alias-{name}-twice-own-second",
            f'{{{spelt}: 1, ‸"content-length": 1}}',
            "duplicate-member",
            dialect=dialect,
            comment="Both names are the member twice.",
            member="content-length",
        )
    length = "standard,length=content-len"
    case(
        "alias-after-canonical",
        '{«3», "content-length": 1, ‸"content-len": 1}',
        "duplicate-member",
        dialect=length,
        member="content-length",
    )
    case(
        "alias-begins-extensions",
        '{«3», "content-lengths": 7, "content-le": 8, "content-len": 1}',
        content=b"a",
        dialect=length,
        extensions={"content-lengths": 7, "content-le": 8},
    )
    case(
        "alias-in-nested-object",
        '{«3», "x": {"content-len": 5}, "content-len": 1}',
        content=b"a",
        dialect=length,
        extensions={"x": {"content-len": 5}},
    )
    case("alias-is-an-extension-elsewhere", '{«4», "content-len": 1}', extensions={"content-len": 1})
    case("alias-missing", "{«3»‸}", "missing-member", dialect=length, member="content-length")
    case("alias-bad-length", '{"content-len": ‸"1"}', "invalid-content-length", dialect=length)
    every = "u32,byteorder=bytesorder,type=kind,encoding=charset,length=size"
    case(
        "alias-every",
        '{"bytesorder": "big", "kind": "a/b", "charset": "c", "size": 1}',
        content=b"z",
        dialect=every,
        byteorder="big",
        content_type="a/b",
        content_encoding="c",
    )
    case(
        "alias-every-other-order",
        '{"size": 1, "content-encoding": "c", "k\\u0069nd": "a\\/b", "bytesorder": "b\\u0069g"}',
        content=b"z",
        dialect=every,
        byteorder="big",
        content_type="a/b",
        content_encoding="c",
    )
    case("alias-every-own", '{«3», "content-length": 1}', content=b"z", dialect=every)
    case("alias-of-byteorder-bad", '{"bytesorder": ‸"middle"}', "invalid-byteorder", dialect=every, member="byteorder")
    case("alias-of-type-bad", '{"kind": ‸null}', "wrong-type", dialect=every, member="content-type")
    case(
        "alias-of-type-twice",
        '{"kind": "a", "x": 1, ‸"content-type": "a"}',
        "duplicate-member",
        dialect=every,
        member="content-type",
    )
    case(
        "alias-underscores-and-length",
        '{"byteorder": "big", "content_type": "a", "content_encoding": "b", "len": 1}',
        content=b"z",
        dialect="standard,type=content_type,encoding=content_encoding,length=len",
        byteorder="big",
        content_type="a",
        content_encoding="b",
    )

    section("C.4")
    alone = f"u16-le,length=content-len,{bare}"
    vector(
        "no-length-messages",
        Stream("<H")
        .message('{"update": 0}', extensions={"update": 0})
        .message('{"content-len": 2}', b"ab")
        .message("{}")
        .message(' {"content-length" : 0 } '),
        "Messages that are their headers, between others.",
        dialect=alone,
    )
    vector(
        "no-length-truncated",
        Stream("<H").message("{}").message('{"content-len": 5}', b"ab", content_length=5),
        "The content is cut.",
        dialect=alone,
    )
    case(
        "no-length-duplicate",
        '{"content-len": 0, ‸"content-len": 0}',
        "duplicate-member",
        dialect=alone,
        member="content-length",
    )
    case("no-length-bad", '{"content-len": ‸null}', "invalid-content-length", dialect=alone)
    case(
        "no-length-others-required",
        '{"byteorder": "big"‸}',
        "missing-member",
        dialect="standard,no-length",
        member="content-type",
    )
    case("no-length-others-there", "{«3»}", dialect="standard,no-length")
    for name, dialect in (
        ("maybe", "maybe-byteorder=big,maybe-type=a/b,maybe-encoding=c,maybe-length"),
        ("mixed", "maybe-byteorder=big,no-type=a/b,maybe-encoding=c,no-length"),
    ):
        case(
            f"absent-{name}-all",
            "{}",
            dialect=f"u8,{dialect}",
            byteorder="big",
            content_type="a/b",
            content_encoding="c",
        )
        case(f"absent-{name}-none", "{«4»}", dialect=f"u8,{dialect}")

    section("C.5")
    raw = "standard,raw-json"

    def texts(name, kind, encoding, dialect=raw, **members):
        """What is kept of a value that is no string is its JSON."""
        kept = {
            member: json.loads(text) if text[0] == '"' else text
            for member, text in (("content_type", kind), ("content_encoding", encoding))
        }
        case(
            f"raw-json-{name}",
            f'{{"byteorder": "little", "content-type": {kind}, "content-encoding":  {encoding}\t, "content-length": 0}}',
            dialect=dialect,
            comment="The texts, as they stand in the header.",
            **kept,
            **members,
        )

    texts("array", '"binary/array"', '["float32"]')
    texts("both", "[1,2]", '{"a" : [ ]}')
    texts("strings", '"text\\/json"', '"caf\\u00e9"')
    texts("scalars", "null", "-0.50e1")
    texts("literals", "true", "false")
    texts("escapes-stay", '["\\u0041\\n"]', '{"\\u0062": "\\/"}')
    texts("deepest", "[" * 63 + "]" * 63, '"x"')
    texts("with-names", '["content-length"]', '{"content-length": 7}')
    case("raw-json-too-deep", '{"content-type": ' + "[" * 63 + "‸[", "too-deep", dialect=raw, limit=64)
    case("raw-json-syntax", '{"content-type": [1,‸]}', "unexpected-byte", dialect=raw)
    case("raw-json-no-value", '{"content-encoding": ‸}', "unexpected-byte", dialect=raw)
    case("raw-json-control-character", '{"content-type": ["‸\n"]}', "control-character", dialect=raw)
    case("raw-json-byteorder-is-a-string", '{"byteorder": ‸["big"]}', "wrong-type", dialect=raw, member="byteorder")
    case("raw-json-length-is-a-number", '{"content-length": ‸[1]}', "invalid-content-length", dialect=raw)
    case(
        "raw-json-twice",
        '{"content-type": [1], ‸"content-type": [1]}',
        "duplicate-member",
        dialect=raw,
        member="content-type",
    )
    case(
        "raw-json-missing",
        '{"byteorder": "big", "content-type": [1]‸}',
        "missing-member",
        dialect=raw,
        member="content-encoding",
    )
    case(
        "raw-json-nowhere-else",
        '{"content-encoding": ‸["float32"]}',
        "wrong-type",
        dialect="u32-le,prefix=00",
        before=b"\0",
        member="content-encoding",
    )


def field():
    """Streams of programs in the field: the captures of demos/tests/captures, written by hand."""
    theme("dialects/field", "C", "What programs in the field send, with values made up.")
    captures = pathlib.Path(__file__).parents[3] / "demos/tests/captures"

    def capture(name, stream, comment, dialect, spec="C"):
        assert stream.data == bytes.fromhex((captures / f"{name}.hex").read_text()), name
        vector("field-" + re.sub("[._]", "-", name), stream, comment, spec, dialect=dialect)

    bare = "no-byteorder,no-type,no-encoding"
    total = struct.Struct("<iih")
    status = b'{"action": "status", "value": null}'
    capture(
        "opendtect-apply.c2s",
        Stream("<I", bytes(10))
        .message('{«3», "content-length": 39}', struct.pack("<i", 35) + status, total.pack(146, 1, -1))
        .message(
            '{"byteorder": "little", "content-type": "binary/array", "content-encoding": ["float32"], "content-length": 48, '
            '"array-shape": [[1, 2, 6]]}',
            struct.pack("<f", 0.5) * 12,
            total.pack(190, 1, -1),
            content_type="binary/array",
            content_encoding='["float32"]',
            extensions={"array-shape": [[1, 2, 6]]},
        ),
        "A total, the number of a request and a sub id before the length; the types of arrays as their encoding.",
        f"u32-le,prefix={'00' * 10},raw-json",
    )
    image = b"/9j/4AAQSkZJRgABAQAAAQABAAD/2w==" * 4

    def detect(time):
        return (
            '{"request-type": "DETECT", "time": %s, "speed": 0, "lat": 0, "lon": 0, "content-len": 128}' % time,
            image,
        ), {"request-type": "DETECT", "time": float(time), "speed": 0, "lat": 0, "lon": 0}

    stream = Stream("<H")
    (message, extensions), update = detect("1620000000.25"), {"request-type": "UPDATE", "update": 0, "lane": True}
    stream.message(*message, extensions=extensions).message(json.dumps(update), extensions=update)
    message, extensions = detect("1620000001.25")
    assist = f"u16-le,length=content-len,{bare},no-length"
    capture(
        "driver-assist.c2s",
        stream.message(*message, extensions=extensions),
        "Updates have no content and no length.",
        assist,
    )
    capture(
        "driver-assist.s2c",
        Stream("<H")
        .message(
            '{"response-type": "DETECTED", "content-len": 57, "time": 1620000000.5}',
            b'{"lines": null, "detected_objects": null, "danger": null}',
            extensions={"response-type": "DETECTED", "time": 1620000000.5},
        )
        .message(
            '{"time": 1620000000.75, "response-type": "EMPTY"}',
            extensions={"time": 1620000000.75, "response-type": "EMPTY"},
        ),
        "Replies without content have no length.",
        assist,
    )
    capture(
        "content-len-be.c2s",
        Stream().message(
            '{"bytesorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-len": 13, '
            '"address": ["127.0.0.1", 1234]}',
            b'{"msg": "hi"}',
            extensions={"address": ["127.0.0.1", 1234]},
        ),
        "Two members by other names.",
        "standard,byteorder=bytesorder,length=content-len",
    )
    shake, data = {"type": "handshake", "Message": 1, "r": 12345}, {
        "type": "data",
        "Message": "line one\nline two",
        "r": 1,
    }
    capture(
        "header-only-u32le.c2s",
        Stream("<I").message(json.dumps(shake), extensions=shake).message(json.dumps(data), extensions=data),
        "The header is the message.",
        f"u32-le,{bare},no-length",
    )
    chat = "standard,prefix=0001,underscores,no-byteorder,no-type"

    def chatted(opcode, length):
        return '{"content_encoding": "utf-8", "opcode": %d, "content_length": %d}' % (opcode, length)

    capture(
        "chat-version-prefix.c2s",
        Stream(">H", b"\0\1")
        .message(chatted(2, 19), b'{"args": ["alice"]}', extensions={"opcode": 2})
        .message(chatted(5, 12), b'{"args": []}', extensions={"opcode": 5}),
        "A version before the length.",
        chat,
    )
    capture(
        "chat-version-prefix.s2c",
        Stream(">H", b"\0\1").message(chatted(2, 30), b'{"status_code": 7, "data": []}', extensions={"opcode": 2}),
        "A version before the length.",
        chat,
    )
    one = (
        '{"byteorder": "little", "content_type": "text/json", "content_encoding": "utf-8", "content_length": 32}',
        b'{"opcode": 1, "args": ["alice"]}',
    )
    capture(
        "chat-underscores.c2s", Stream().message(*one).message(*one), "Names with underscores.", "standard,underscores"
    )
    capture(
        "content_length-only.c2s",
        Stream()
        .message('{"content_length": 34}', b'{"content": {"a": 1}, "tag": null}')
        .message('{"content_length": 30}', b'{"content": "", "tag": "stop"}'),
        "The length alone.",
        f"standard,underscores,{bare}",
    )
    one = ('{"byteorder": "little", "content-length": 35}', b'{"temp": 21.5, "name": "caf\\u00e9"}')
    capture(
        "pico.c2s",
        Stream().message(*one).message(*one),
        "The receiver would do without the byte order.",
        "standard,maybe-byteorder,no-type,no-encoding",
    )
    pickled = bytes.fromhex(
        "80049529000000000000007d94288c13636f6e7461696e65725f63726564735f787878948c0168944b0186948c0176944b01752e"
    )
    one = ('{"byteorder": "little", "content-length": 52, "sent-ts": 1745000000.125}', pickled)
    stream = (
        Stream()
        .message(*one, extensions={"sent-ts": 1745000000.125})
        .message(*one, extensions={"sent-ts": 1745000000.125})
    )
    capture("pickle-sent-ts.c2s", stream, "Content of any kind is bytes.", "standard,no-type,no-encoding")
    capture(
        "u8-signed.c2s",
        Stream(">B").message('{«3», "content-length": 34}', b'{"action": "search", "value": "x"}'),
        "A signed byte of length is an unsigned one.",
        "u8",
    )
    android = '{"byteorder":"little","content-type":"text\\/json","content-encoding":"utf-8","content-length":80}'
    query = b'{"action":"read","value":"SELECT * FROM ParamsTable ORDER BY unix DESC LIMIT 1"}'
    capture("android-jsonobject.c2s", Stream().message(android, query), "The standard, in a compact form.", "standard")
    asked = '{"action": "search", "value": "🐶 café"}'.encode()
    capture(
        "length-in-characters.c2s",
        Stream().message('{«3», "content-length": 39}', asked[:39]).foreign(asked[39:]),
        "What is left of content whose characters were counted is no message.",
        "standard",
    )
    capture(
        "node-256.c2s",
        Stream().prefix_fault(bytes.fromhex((captures / "node-256.c2s.hex").read_text()), "empty-header"),
        "A length of 256 of which only the lowest byte was written is no dialect.",
        "standard",
    )


# ---------------------------------------------------------------------------------- text: Section 3.3.1


def texts():
    theme(
        "text/text",
        "3.3.1",
        "Content and the text that it is: in `text`, or the `offset` at which it is malformed, or neither if it is no text.",
    )

    def case(name, label, content, text=None, offset=None, byteorder="little", writes=False, comment=None):
        add(
            f"text-{name}",
            None,
            comment or f"{label}: ‹{content.hex(' ').upper()}›",
            content_encoding=label,
            byteorder=byteorder,
            content=content.hex(),
            text=text,
            offset=offset,
            writes=writes or None,
        )

    for name, label in (
        ("plain", "utf-8"),
        ("upper-case", "UTF-8"),
        ("underscore", "utf_8"),
        ("alias", "utf8"),
        ("spaces-and-hyphens", " utf--8"),
        ("code-page", "cp65001"),
    ):
        case(f"utf-8-{name}", label, b"caf\xc3\xa9", "café", writes=True)
    case("utf-8-empty", "utf-8", b"", "", writes=True, comment="Empty content is empty text.")
    case("utf-8-four-bytes", "utf-8", b"\xf0\x9f\x90\xb6", "🐶", writes=True)
    case("utf-8-mark-is-a-character", "utf-8", b"\xef\xbb\xbfa", "\ufeffa", writes=True)
    case("utf-8-malformed", "utf-8", b"ab\xc3(", offset=2)
    case("utf-8-cut", "utf-8", b"a\xe2\x82", offset=1)
    case("utf-8-surrogate", "utf-8", b"a\xed\xa0\x80", offset=1)
    case("utf-8-overlong", "utf-8", b"\xc0\x80", offset=0)
    case("utf-8-latin-1", "utf-8", b"caf\xe9", offset=3)
    case("utf-8-sig-mark", "utf-8-sig", b"\xef\xbb\xbfa\xc3\xa9", "aé", writes=True)
    case("utf-8-sig-no-mark", "utf-8-sig", b"a", "a")
    case("utf-8-sig-later-mark", "utf-8-sig", b"a\xef\xbb\xbf", "a\ufeff")
    case("utf-8-sig-cut", "utf-8-sig", b"\xef\xbb\xbfa\xe2\x82", offset=4)
    case("ascii", "us-ascii", b"cafe", "cafe", writes=True)
    case("ascii-dots", "ANSI_X3.4-1968", b"cafe", "cafe", writes=True)
    case("ascii-beyond", "ascii", b"a\x80", offset=1)
    case("latin-1", "latin-1", b"caf\xe9", "café", writes=True)
    case("latin-1-controls", "ISO-8859-1", b"\x80\x9f\xff", "\x80\x9f\xff", writes=True, comment="Not windows-1252.")
    case("utf-16-little", "utf-16", b"a\0\xe9\0", "aé", comment="Without a mark the byteorder gives the order.")
    case("utf-16-big", "utf-16", b"\0a\0\xe9", "aé", byteorder="big")
    case("utf-16-mark-little", "UTF16", b"\xff\xfea\0", "a", writes=True)
    case("utf-16-mark-big", "utf-16", b"\xfe\xff\0a", "a", byteorder="big", writes=True)
    case("utf-16-mark-against-byteorder", "utf-16", b"\xfe\xff\0a", "a", comment="The mark gives the order.")
    case("utf-16-second-mark", "utf-16", b"\xff\xfe\xff\xfea\0", "\ufeffa")
    case("utf-16-pair", "utf-16-le", b"\x3d\xd8\x36\xdc", "🐶", writes=True)
    case("utf-16-order-given", "utf-16-be", b"\0a", "a", writes=True)
    case("utf-16-order-given-mark", "utf-16-le", b"\xff\xfea\0", "\ufeffa", writes=True)
    case("utf-16-lone-high", "utf-16-le", b"a\0\x3d\xd8a\0", offset=2)
    case("utf-16-lone-low", "utf-16-le", b"\x36\xdc", offset=0)
    case("utf-16-cut", "utf-16", b"\xff\xfea", offset=2)
    case("utf-16-cut-pair", "utf-16-be", b"\xd8\x3d", offset=0)
    case("utf-32-little", "utf-32", b"\x36\xf4\x01\0", "🐶")
    case("utf-32-mark", "utf-32", b"\0\0\xfe\xff\0\x01\xf4\x36", "🐶", byteorder="big", writes=True)
    case("utf-32-order-given", "utf-32-be", b"\0\0\0a", "a", writes=True)
    case("utf-32-surrogate", "utf-32-be", b"\0\0\0a\0\0\xd8\0", offset=4)
    case("utf-32-too-great", "utf-32-le", b"\0\0\x11\0", offset=0)
    case("utf-32-cut", "utf-32-le", b"a\0\0\0b\0", offset=4)
    for name, label in (
        ("binary", "binary"),
        ("empty-label", ""),
        ("gzip", "gzip"),
        ("base64", "base64"),
        ("hex", "hex"),
        ("rot13", "rot13"),
        ("null-byte", "utf-8\0"),
        ("not-ascii", "ütf-8"),
    ):
        case(f"no-text-{name}", label, b"cafe", comment=f"The label {label!a} names no encoding of text.")


# ------------------------------------------------------------------------------------- sha256: Section 3.7


def checksums():
    theme(
        "sha256/sha256",
        "3.7",
        "The member sha256 of a header, and the content: `verdict` is matches, differs, malformed or absent.",
    )
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    def case(name, value, content, verdict, comment):
        add(
            f"sha256-{name}",
            None,
            comment,
            extensions={} if verdict == "absent" else {"sha256": value},
            content=content.hex(),
            verdict=verdict,
        )

    case("empty", empty, b"", "matches", "Of empty content.")
    case("abc", abc, b"abc", "matches", "Of three bytes, from FIPS 180-4.")
    case("upper-case", abc.upper(), b"abc", "matches", "Digits of either case.")
    case("mixed-case", abc[:32].upper() + abc[32:], b"abc", "matches", "Digits of both cases.")
    case("other-content", abc, b"abd", "differs", "One byte of the content is another.")
    case("content-longer", abc, b"abc\0", "differs", "One byte more.")
    case("content-empty", abc, b"", "differs", "No content.")
    case("absent", None, b"abc", "absent", "Whether it may be absent is the receiver's decision.")
    for name, value, comment in (
        ("short", abc[:-1], "63 digits."),
        ("long", abc + "0", "65 digits."),
        ("none", "", "No digits."),
        ("letter", abc[:-1] + "g", "A letter that is no digit."),
        ("space-before", " " + abc[1:], "64 characters, of which one is a space."),
        ("spaces-around", f" {abc} ", "Spaces around the digits."),
        ("prefix", "0x" + abc[2:], "A prefix."),
        ("wide-digit", abc[:-1] + "\uff11", "A digit that is not ASCII."),
        ("number", 0, "A number."),
        ("null", None, "Null."),
        ("array", [abc], "An array."),
    ):
        case(f"malformed-{name}", value, b"abc", "malformed", comment)


# ------------------------------------------------------------------------------------------ sending: Section 4


def sending():
    theme(
        "sending/refused",
        "4",
        "Messages to be sent: the `bytes` that go out, or `refused` if none may. Values of extensions are JSON texts, and "
        "NaN, Infinity and -Infinity.",
    )

    def case(
        name,
        comment,
        spec,
        sent=None,
        refused=None,
        dialect=None,
        prefix=None,
        extensions=(),
        byteorder="little",
        content_type="text/json",
        content_encoding="utf-8",
        content_length=0,
    ):
        add(
            f"send-{name}",
            spec,
            comment,
            dialect=dialect,
            prefix=prefix.hex() if prefix else None,
            byteorder=byteorder,
            content_type=content_type,
            content_encoding=content_encoding,
            content="",
            content_length=content_length,
            extensions=[list(extension) for extension in extensions],
            bytes=sent.hex() if sent else None,
            refused=refused,
        )

    for name in REQUIRED:
        case(
            f"reserved-{name}",
            "An extension member bears the name of a required one.",
            "4.3",
            refused="reserved-name",
            extensions=[("x", "1"), (name, '"y"')],
        )
    case(
        "name-like-reserved",
        "Names are compared with attention to case.",
        "4.3",
        sent=prefixed(expand('{«4», "Byteorder": 1, "content_length": 2}')[0]),
        extensions=[("Byteorder", "1"), ("content_length", "2")],
    )
    for name, value in (("nan", "NaN"), ("infinity", "Infinity"), ("negative-infinity", "-Infinity")):
        for place, text in ((name, value), (f"nested-{name}", f"[1, {value}]")):
            case(place, f"{value} is not JSON.", "4.3", refused="not-json", extensions=[("x", text)])
    case(
        "lone-surrogate",
        "Half of a surrogate pair has no UTF-8.",
        "4.2",
        refused="not-json",
        extensions=[("x", r'["\ud800"]')],
    )
    deepest = "[" * 63 + "]" * 63
    case(
        "nesting-63",
        "63 in the value and one for the header.",
        "4.3",
        sent=prefixed(expand('{«4», "x": ' + deepest + "}")[0]),
        extensions=[("x", deepest)],
    )
    case("nesting-64", "One more.", "4.3", refused="not-json", extensions=[("x", f"[{deepest}]")])
    bare = len(expand("{«4»}")[0]) - len("text/json")
    longest = "y" * (65535 - bare)
    case(
        "longest-header",
        "65,535 bytes.",
        "4.4",
        sent=prefixed(expand("{«4»}")[0].replace(b"text/json", longest.encode())),
        content_type=longest,
    )
    case("header-too-long", "65,536 bytes.", "4.4", refused="header-too-long", content_type="y" * (65536 - bare))
    case(
        "header-too-long-escaped",
        "65,539 bytes: an escape takes six.",
        "4.4",
        refused="header-too-long",
        content_type="y" * (65535 - bare - 2) + "\x01",
    )
    case(
        "length-too-great", "The content is shorter than announced.", "4.4", refused="length-mismatch", content_length=1
    )
    case(
        "u8-header-too-long",
        "256 bytes.",
        "C.1",
        refused="header-too-long",
        dialect="u8",
        content_type="y" * (256 - bare),
    )
    for name in ("content_type", "content-type", "content_length", "byteorder"):
        case(
            f"underscores-reserved-{name.replace('_', '-underscore-')}",
            "All seven names are reserved among underscores.",
            "C.3",
            refused="reserved-name",
            dialect="standard,underscores",
            extensions=[(name, "1")],
        )
    case(
        "underscores",
        "The names with underscores are emitted.",
        "C.3",
        sent=prefixed(expand("{«4»}")[0].replace(b"content-", b"content_")),
        dialect="standard,underscores",
    )
    case(
        "absent",
        "What stands in is left out.",
        "C.4",
        sent=prefixed(b'{"content-length": 0}', ">B"),
        dialect="u8,no-byteorder,no-type,no-encoding",
    )
    case(
        "absent-but-other",
        "What does not stand in is emitted.",
        "C.4",
        sent=prefixed(b'{"byteorder": "big", "content-encoding": "latin-1", "content-length": 0}', "<I"),
        dialect="u32-le,no-byteorder,no-type,no-encoding",
        byteorder="big",
        content_encoding="latin-1",
    )
    four = expand("{«4»}")[0]
    for name, given, sent in (
        ("of-the-dialect", None, b"\0\1"),
        ("of-the-message", b"\xff{", b"\xff{"),
        ("too-short", b"\0", None),
        ("too-long", b"\0\1\2", None),
    ):
        case(
            f"prefix-{name}",
            "What comes before the proto-header, or that it has another length.",
            "C.2",
            sent=sent and sent + prefixed(four, "<H"),
            refused=None if sent else "prefix-mismatch",
            dialect="u16-le,prefix=0001",
            prefix=given,
        )
    for dialect, form in (("standard", ">H"), ("u16-le", "<H"), ("standard,raw-json", ">H")):
        case(
            f"prefix-elsewhere-{dialect.replace(',', '-')}",
            "A message with a prefix, from elsewhere, in a dialect without one.",
            "C.2",
            sent=prefixed(four, form),
            dialect=dialect,
            prefix=b"\0\1",
        )
    longest = "y" * (65535 - len(expand('{«-content-type», "content-type": ""}')[0]))
    case(
        "prefix-longest-header",
        "The prefix takes nothing from what a header may have.",
        "C.2",
        sent=b"\0\1" + prefixed(expand("{«4»}")[0].replace(b"text/json", longest.encode())),
        dialect="standard,prefix=0001",
        content_type=longest,
    )
    case(
        "name",
        "The other names are emitted, with what must be escaped.",
        "C.3",
        sent=prefixed('{"a\\"b": "little", "é": "text/json", "content-encoding": "utf-8", "content-len": 0}'.encode()),
        dialect='standard,byteorder=a"b,type=é,length=content-len',
    )
    for name in ("content-len", "content-length", "byteorder"):
        case(
            f"name-reserved-{name}",
            "Both names of a member are reserved.",
            "C.3",
            refused="reserved-name",
            dialect="standard,length=content-len",
            extensions=[(name, "1")],
        )
    for name, dialect, sent in (
        ("all", "no-byteorder,no-type,no-encoding,no-length", b"{}"),
        ("all-but-extensions", "no-byteorder,no-type,no-encoding,no-length", b'{"x": 1}'),
        ("length", "no-length", four.replace(b', "content-length": 0', b"")),
        ("maybe", "maybe-byteorder,maybe-type,maybe-encoding,maybe-length", four),
        ("maybe-type", "no-byteorder,maybe-type,no-encoding,no-length", b'{"content-type": "text/json"}'),
    ):
        case(
            f"absent-{name}",
            "What is left out, and what may be absent but is emitted.",
            "C.4",
            sent=prefixed(sent),
            dialect=f"standard,{dialect}",
            extensions=[("x", "1")] if b"x" in sent and b'x": 1' in sent else [],
        )
    for name, text, sent in (
        ("array", '["float32"]', '["float32"]'),
        ("spaced", " [1]", '" [1]"'),
        ("respaced", "[1,2 , -0.50e+1]\n", "[1, 2, -0.50e+1]"),
        ("object", '{"a":{"b":[ ]}}', '{"a": {"b": []}}'),
        ("escapes", '["\\u00e9\\/\\u000a"]', '["é/\\n"]'),
        ("not-json", "[1", '"[1"'),
        ("trailing", "[1] x", '"[1] x"'),
        ("scalar", "null", '"null"'),
        ("string", '"x"', '"\\"x\\""'),
        ("deepest", "[" * 63 + "]" * 63, "[" * 63 + "]" * 63),
        ("too-deep", "[" * 64 + "]" * 64, '"' + "[" * 64 + "]" * 64 + '"'),
    ):
        case(
            f"raw-json-{name}",
            "A text that is an array or an object is emitted as that, and any other as a string.",
            "C.5",
            sent=prefixed(four.replace(b'"utf-8"', sent.encode())),
            dialect="standard,raw-json",
            content_encoding=text,
        )


# ------------------------------------------------------------------------------------------------ writing

# Characters that show badly or not at all are escaped; 🐰 and é are not.
ESCAPED = re.compile(
    "[\x7f-\xa0\u0300-\u036f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud7ff-\uf8ff\ufe00-\ufe0f\ufeff\uffef-\uffff"
    "\U00010000-\U0001efff\U0001fb00-\U0010ffff]"
)


def to_json(value, **options):
    return ESCAPED.sub(lambda match: json.dumps(match.group())[1:-1], json.dumps(value, ensure_ascii=False, **options))


def file_text(file):
    """One line a field and one line an event."""
    vectors = []
    for vector in file["vectors"]:
        fields = [f'      "{name}": {to_json(value)}' for name, value in vector.items() if name != "events"]
        if "events" in vector:
            events = ",\n".join("        " + to_json(event, separators=(",", ":")) for event in vector["events"])
            fields.append('      "events": [\n' + events + "\n      ]" if events else '      "events": []')
        vectors.append("    {\n" + ",\n".join(fields) + "\n    }")
    head = "".join(f'  "{name}": {to_json(file[name])},\n' for name in ("description", "spec"))
    return "{\n" + head + '  "vectors": [\n' + ",\n".join(vectors) + "\n  ]\n}\n"


def main():
    for cases in (
        golden,
        framing,
        accepted,
        syntax,
        other_protocols,
        header_end,
        strings,
        utf8,
        numbers,
        members,
        content_lengths,
        nesting,
        order,
        streams,
        truncated,
        limits,
        dialects,
        departures,
        field,
        texts,
        checksums,
        sending,
    ):
        cases()
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: generate.py [--check]")
    paths = [path.relative_to(HERE).as_posix() for path in sorted(HERE.rglob("*.json"))]
    differing = [path for path in paths if path not in FILES]
    for name, file in FILES.items():
        path, text = HERE / name, file_text(file).encode("utf-8")
        if check:
            if not path.exists() or path.read_bytes() != text:
                differing.append(name)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
    for name in differing:
        print(f"{name} differs from what generate.py writes")
    if not check:
        for name, file in FILES.items():
            print(f"{name:24} {len(file['vectors']):5}")
        print(f"{'':24} {len(NAMES):5}")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
