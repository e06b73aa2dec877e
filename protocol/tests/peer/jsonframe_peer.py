#!/usr/bin/env python3
"""A reference peer for jsonframe, written from the specification with the standard library only.

    +----------------+---------------------------+-------------------------+
    | proto-header   | JSON header               | content                 |
    | u16, big-endian| UTF-8 JSON object,        | content-length bytes    |
    | = header length| exactly that many bytes   |                         |
    +----------------+---------------------------+-------------------------+

Messages follow each other with nothing between. The header has four required members (REQUIRED below);
all others are extension members. The file reads top to bottom: the encoder, the header, the decoder,
then the command line (`jsonframe_peer.py --help`). It favours clarity over speed. Python 3.9 or later.
"""

import argparse
import codecs
import hashlib
import json
import pathlib
import random
import re
import socket
import struct
import sys
import threading
import time

REQUIRED = ("byteorder", "content-type", "content-encoding", "content-length")
MAX_HEADER = 65535
MAX_CONTENT_LENGTH = 2**64 - 1
MAX_DEPTH = 64


# ---------------------------------------------------------------------------------------------- encoder


class Dialect:
    """How the streams of some programs differ from the specification's, by its name (Appendix C)."""

    FORMS = {"standard": ">H", "u16-le": "<H", "u32": ">I", "u32-le": "<I", "u8": ">B"}
    MEMBERS = dict(zip(("byteorder", "type", "encoding", "length"), REQUIRED))
    USUAL = dict(zip(REQUIRED, ("little", "text/json", "utf-8", 0)))

    def __init__(self, name="standard"):
        form, *parts = name.split(",")
        self.form = self.FORMS[form]
        self.size = struct.calcsize(self.form)
        self.prefix = b""  # comes before the proto-header; a message that is received may have another
        self.names = {name: name for name in REQUIRED}  # what each required member is called when it is sent
        self.stand_ins = {}  # for members that may be absent
        self.left_out = set()  # those of them that are not sent if they say what stands in
        self.raw_json = False
        for part in parts:
            part, given, value = part.partition("=")
            how, _, what = part.rpartition("-")
            if part == "prefix":
                self.prefix = bytes.fromhex(value)
            elif part == "underscores":
                self.names = {name: name.replace("-", "_") for name in REQUIRED}
            elif part == "raw-json":
                self.raw_json = True
            elif how in ("no", "maybe"):
                member = self.MEMBERS[what]
                self.stand_ins[member] = value if given else self.USUAL[member]
                if how == "no":
                    self.left_out.add(member)
            else:
                self.names[self.MEMBERS[part]] = value
        self.members = {**{name: name for name in REQUIRED}, **{alias: name for name, alias in self.names.items()}}


STANDARD = Dialect()


class Refused(ValueError):
    """A message that must not be sent, and why."""

    def __init__(self, reason, text):
        self.reason = reason
        super().__init__(text)


def encode(
    content, content_type, content_encoding, byteorder=sys.byteorder, extensions=None, dialect=STANDARD, prefix=b""
):
    """The bytes of one message. Peers find members by regular expression: order and spaces matter."""
    header = {
        "byteorder": byteorder,
        "content-type": content_type,
        "content-encoding": content_encoding,
        "content-length": len(content),
    }
    for name in dialect.left_out:
        if header[name] == dialect.stand_ins[name]:
            del header[name]
    if dialect.raw_json:
        header = {name: raw_json(value) for name, value in header.items()}
    header = {dialect.names[name]: value for name, value in header.items()}
    for name, value in (extensions or {}).items():
        if name in dialect.members:
            raise Refused("reserved-name", f"an extension member must not be named {name!r}")
        if depth(value) >= MAX_DEPTH:
            raise Refused("not-json", f"the value of {name!r} is nested too deeply")
        header[name] = value
    try:
        data = spaced(header).encode("utf-8")
    except ValueError as error:
        raise Refused("not-json", str(error)) from error
    longest = min(MAX_HEADER, 256**dialect.size - 1)
    if len(data) > longest:
        raise Refused("header-too-long", f"the header has {len(data)} bytes, over {longest}")
    prefix = prefix or dialect.prefix
    if dialect.prefix and len(prefix) != len(dialect.prefix):
        raise Refused("prefix-mismatch", f"the prefix has {len(prefix)} bytes, not {len(dialect.prefix)}")
    return prefix[: len(dialect.prefix)] + struct.pack(dialect.form, len(data)) + data + content


def raw_json(value):
    """A text that is an array or an object as that, with its numbers as they are spelt; any other as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        reader = HeaderReader(value.encode("utf-8"), 0)
        try:
            result = reader.value(depth=1)
        except Fault:
            return value
        return value if value[reader.at :].strip(" \t\n\r") else result
    return value


def spaced(value):
    """As json.dumps without ASCII escapes, but that a Number is as it was spelt."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spaced(name)}: {spaced(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spaced, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def depth(value):
    """How many objects and arrays are open at once in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def encode_json(value):
    return encode(json.dumps(value, ensure_ascii=False).encode("utf-8"), "text/json", "utf-8")


# --------------------------------------------------------------------------------------------- the fault

MESSAGES = {
    "empty-header": "the header length is 0",
    "header-too-long": "the header length {length} is over the capacity {capacity}",
    "not-utf8": "the header is not well-formed UTF-8",
    "byte-order-mark": "the header begins with a byte order mark",
    "not-an-object": "the header is not a JSON object",
    "unexpected-byte": "JSON does not allow this byte here",
    "unexpected-end": "the header ends before its JSON object does",
    "trailing-data": "there is data after the header's JSON object",
    "control-character": "a raw control character inside a string",
    "invalid-escape": "an invalid escape sequence",
    "lone-surrogate": "an escaped surrogate without its other half",
    "too-deep": "objects and arrays nest deeper than {limit}",
    "missing-member": "the member {member} is missing",
    "duplicate-member": "the member {member} is there twice",
    "wrong-type": "the member {member} is not a string",
    "invalid-byteorder": "{member} is neither little nor big",
    "invalid-content-length": "{member} is not an integer from 0 to 2^64-1",
    "content-too-long": "the content-length {length} is over the limit {limit}",
    "truncated": "the stream ends inside a message, {missing} bytes short",
}


class Fault(Exception):
    """What ends a stream early: a kind, an absolute offset and the fields that belong to the kind."""

    def __init__(self, kind, offset, **fields):
        self.kind, self.offset, self.fields = kind, offset, fields
        self.message = MESSAGES[kind].format(**fields)
        super().__init__(f"{kind} at byte {offset}: {self.message}")

    def event(self):
        if self.kind == "truncated":
            return {"event": "truncated", "offset": self.offset, **self.fields}
        return {"event": "error", "kind": self.kind, **self.fields, "offset": self.offset, "message": self.message}


# -------------------------------------------------------------------------------------------- the header

# Runs of string bytes that need no look: ASCII but for controls, the quote and the backslash.
PLAIN = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7f]*")
SPACE = re.compile(rb"[ \t\n\r]*")
FOREIGN = re.compile(rb"[ \t\n\r]*([^{ \t\n\r\x80-\xff])")
LENGTH_TOKEN = re.compile(rb"[0-9A-Za-z+.-]*")
LENGTH = re.compile(rb"0|[1-9][0-9]{0,19}")
DIGITS = "0123456789"
HEX = "0123456789abcdefABCDEF"
SHORT_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Number(str):
    """A number in an extension member, as it was spelt: int() and float() read it."""


def utf8_length(data, at):
    """The length of the well-formed UTF-8 sequence that begins at data[at], or 0."""
    for length in (1, 2, 3, 4):
        try:
            data[at : at + length].decode("utf-8")
            return length
        except UnicodeDecodeError:
            pass
    return 0


class HeaderReader:
    """Reads the JSON of one header from left to right and raises the first fault it meets."""

    def __init__(self, data, offset, dialect=STANDARD):
        self.data = data
        self.offset = offset  # where data[0] stands in the stream
        self.dialect = dialect
        self.at = 0

    def fault(self, kind, at=None, **fields):
        return Fault(kind, self.offset + (self.at if at is None else at), **fields)

    def peek(self):
        """The next byte, as a character: there must be one."""
        if self.at == len(self.data):
            raise self.fault("unexpected-end")
        return chr(self.data[self.at])

    def peek_after_space(self):
        self.at = SPACE.match(self.data, self.at).end()
        return self.peek()

    def refuse(self, kind="unexpected-byte", **fields):
        """The next byte must not stand here: not-utf8 if it does not even begin a UTF-8 sequence."""
        if utf8_length(self.data, self.at) == 0:
            return self.fault("not-utf8")
        return self.fault(kind, **fields)

    def header(self):
        """The required members and the extension members, as two dicts."""
        if self.data.startswith(b"\xef\xbb\xbf"):
            raise self.fault("byte-order-mark")
        if self.peek_after_space() != "{":
            raise self.refuse("not-an-object")
        required, extensions = {}, {}
        for name, quote in self.members():
            name = self.dialect.members.get(name, name)
            if name in required:
                raise self.fault("duplicate-member", quote, member=name)
            self.colon()
            if name == "content-length":
                required[name] = self.content_length()
            elif name in REQUIRED:
                is_raw = self.dialect.raw_json and name != "byteorder" and self.peek() != '"'
                required[name] = self.raw_value() if is_raw else self.required_string(name)
            else:
                extensions[name] = self.value(depth=1)  # the last one of a name counts
        required = {**self.dialect.stand_ins, **required}
        for name in REQUIRED:
            if name not in required:
                raise self.fault("missing-member", member=name)
        self.at += 1  # the closing brace
        self.at = SPACE.match(self.data, self.at).end()
        if self.at < len(self.data):
            raise self.refuse("trailing-data")
        return required, extensions

    def members(self):
        """Yields each name of the object that opens here, with the place of its opening quote. The caller
        takes the colon and the value before it asks for the next, and at last the closing brace."""
        self.at += 1
        if self.peek_after_space() == "}":
            return
        while True:
            quote = self.at
            yield self.string(), quote
            if self.peek_after_space() == "}":
                return
            if self.peek() != ",":
                raise self.refuse()
            self.at += 1
            self.peek_after_space()

    def colon(self):
        if self.peek_after_space() != ":":
            raise self.refuse()
        self.at += 1
        self.peek_after_space()

    def required_string(self, name):
        quote = self.at
        if self.peek() in "{[tfn-" + DIGITS:
            raise self.fault("wrong-type", member=name)
        text = self.string()
        if name == "byteorder" and text not in ("little", "big"):
            raise self.fault("invalid-byteorder", quote, member=name)
        return text

    def raw_value(self):
        """The JSON of a value, as it is."""
        start = self.at
        self.value(depth=1)
        return self.data[start : self.at].decode("utf-8")

    def content_length(self):
        token = LENGTH_TOKEN.match(self.data, self.at)
        if not LENGTH.fullmatch(token.group()) or int(token.group()) > MAX_CONTENT_LENGTH:
            raise self.refuse("invalid-content-length", member="content-length")
        self.at = token.end()
        return int(token.group())

    def value(self, depth):
        """A value of any type, inside `depth` open objects and arrays."""
        char = self.peek()
        if char in "{[" and depth == MAX_DEPTH:
            raise self.fault("too-deep", limit=MAX_DEPTH)
        if char == "{":
            result = {}
            for name, _ in self.members():
                self.colon()
                result[name] = self.value(depth + 1)
            self.at += 1
            return result
        if char == "[":
            return self.array(depth + 1)
        if char == '"':
            return self.string()
        if char == "-" or char in DIGITS:
            return self.number()
        for literal, result in (("true", True), ("false", False), ("null", None)):
            if char == literal[0]:
                for expected in literal:
                    if self.peek() != expected:
                        raise self.refuse()
                    self.at += 1
                return result
        raise self.refuse()

    def array(self, depth):
        result = []
        self.at += 1
        if self.peek_after_space() != "]":
            while True:
                result.append(self.value(depth))
                if self.peek_after_space() == "]":
                    break
                if self.peek() != ",":
                    raise self.refuse()
                self.at += 1
                self.peek_after_space()
        self.at += 1
        return result

    def number(self):
        start = self.at
        self.skip("-")
        if not self.skip("0"):  # a digit after a leading 0 is refused by whatever comes next
            self.digits()
        if self.skip("."):
            self.digits()
        if self.skip("eE"):
            self.skip("+-")
            self.digits()
        return Number(self.data[start : self.at].decode("ascii"))

    def skip(self, chars):
        found = self.at < len(self.data) and chr(self.data[self.at]) in chars
        self.at += found
        return found

    def digits(self):
        if self.peek() not in DIGITS:
            raise self.refuse()
        while self.skip(DIGITS):
            pass

    def string(self):
        if self.peek() != '"':
            raise self.refuse()
        self.at += 1
        text = []
        while True:
            plain = PLAIN.match(self.data, self.at)
            text.append(plain.group().decode("ascii"))
            self.at = plain.end()
            char = self.peek()
            if char == '"':
                self.at += 1
                return "".join(text)
            if char == "\\":
                text.append(self.escape())
            elif char < " ":
                raise self.fault("control-character")
            else:
                length = utf8_length(self.data, self.at)
                if length == 0:
                    raise self.fault("not-utf8")
                text.append(self.data[self.at : self.at + length].decode("utf-8"))
                self.at += length

    def escape(self):
        backslash = self.at

        def take(allowed, kind="invalid-escape"):
            char = self.peek()  # cut off by the header's end: unexpected-end
            if char not in allowed:
                raise self.fault(kind, backslash)
            self.at += 1
            return char

        self.at += 1
        char = take('"\\/bfnrtu')
        if char != "u":
            return SHORT_ESCAPES[char]
        unit = int("".join(take(HEX) for _ in range(4)), 16)
        if 0xD800 <= unit <= 0xDBFF:  # the high half: the low one must follow at once
            pattern = ("\\", "u", "dD", "cdefCDEF", HEX, HEX)
            low = "".join(take(allowed, "lone-surrogate") for allowed in pattern)
            return chr(0x10000 + ((unit - 0xD800) << 10) + int(low[2:], 16) - 0xDC00)
        if 0xDC00 <= unit <= 0xDFFF:
            raise self.fault("lone-surrogate", backslash)
        return chr(unit)


# ------------------------------------------------------------------------------------------- the decoder


class Decoder:
    """Turns a stream, however it is cut, into events (dicts; `event_line` shows their fields):
    header, content and end for each message, and at most one fault, which is the last event.
    """

    def __init__(self, header_capacity=MAX_HEADER, content_limit=None, dialect=STANDARD):
        self.dialect = dialect
        self.header_capacity = header_capacity
        self.content_limit = content_limit
        self.offset = 0  # bytes of the stream taken so far
        self.fault = None
        self._begin_message()

    def feed(self, data):
        """Takes all of data and returns the events it completes; none after a fault."""
        events = []
        data = memoryview(data)
        while data and self.fault is None:
            taken = data[: self._missing]
            data = data[len(taken) :]
            self._held += taken
            self.offset += len(taken)
            self._missing -= len(taken)
            try:
                # Another protocol may never send as many bytes as it seems to announce.
                foreign = FOREIGN.match(self._held) if self._part == "header" else None
                if foreign:
                    raise Fault("not-an-object", self._part_offset + foreign.start(1))
                while self._missing == 0:  # a content of length 0 is whole without another byte
                    events.extend(self._part_complete())
            except Fault as fault:
                events.append(self._stop(fault))
        return events

    def finish(self):
        """The stream has ended: returns [] if it ended between two messages, else the fault."""
        if self.fault is None and self.offset > self._message_offset:
            after = self.dialect.size if self._part == "prefix" else 0
            return [self._stop(Fault("truncated", self.offset, missing=self._missing + after))]
        return []

    def _stop(self, fault):
        self.fault = fault
        return fault.event()

    def _begin_message(self):
        self._message_offset = self.offset
        self._prefix = b""
        if self.dialect.prefix:
            self._begin("prefix", len(self.dialect.prefix))
        else:
            self._begin("proto-header", self.dialect.size)

    def _begin(self, part, length):
        self._part = part
        self._part_offset = self.offset
        self._held = bytearray()  # grows with what came, never with what a peer announced
        self._missing = length

    def _part_complete(self):
        """Yields the events of the part that is now complete, and begins the next part."""
        held = bytes(self._held)
        if self._part == "prefix":
            self._prefix = held
            self._begin("proto-header", self.dialect.size)
        elif self._part == "proto-header":
            (length,) = struct.unpack(self.dialect.form, held)
            if length == 0:
                raise Fault("empty-header", self._part_offset)
            if length > self.header_capacity:
                raise Fault("header-too-long", self._part_offset, length=length, capacity=self.header_capacity)
            self._begin("header", length)
        elif self._part == "header":
            required, extensions = HeaderReader(held, self._part_offset, self.dialect).header()
            length = required["content-length"]
            yield {
                "event": "header",
                "offset": self._message_offset,
                "header_length": len(held),
                "byteorder": required["byteorder"],
                "content_type": required["content-type"],
                "content_encoding": required["content-encoding"],
                "content_length": length,
                "extensions": extensions,
                **({"prefix": self._prefix.hex()} if self._prefix else {}),
            }
            if self.content_limit is not None and length > self.content_limit:
                raise Fault("content-too-long", self.offset, length=length, limit=self.content_limit)
            self._begin("content", length)
        else:
            yield {"event": "content", "offset": self._part_offset, "length": len(held), "content": held}
            yield {"event": "end", "offset": self.offset}
            self._begin_message()


def dump(value):
    """Compact JSON; numbers of extension members keep their spelling."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(dump(name) + ":" + dump(item) for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def event_line(event):
    """An event as one line of JSON; of a content its first 64 bytes, in hex."""
    if event["event"] == "content":
        event = dict(event)
        event["hex"] = event.pop("content")[:64].hex()
    return dump(event)


# -------------------------------------------------------------------------------------- client and server


def send(sock, data, split=0, delay=0.0):
    size = split or len(data) or 1
    for start in range(0, len(data), size):
        if start and delay:
            time.sleep(delay)
        sock.sendall(data[start : start + size])


def receive(sock):
    """Yields (header event, content) of each message until the peer closes; raises the stream's fault."""
    decoder = Decoder()
    header = None
    data = True
    while data:
        data = sock.recv(65536)
        for event in decoder.feed(data) if data else decoder.finish():
            if event["event"] == "header":
                header = event
            elif event["event"] == "content":
                yield header, event["content"]
        if decoder.fault:
            raise decoder.fault


def build_request(text):
    """The bytes of one REQUEST of the command line."""
    form, _, rest = text.partition(":")
    if form == "search":
        return encode_json({"action": "search", "value": rest})
    if form == "json":
        action, _, value = rest.partition(":")
        return encode_json({"action": action, "value": value})
    if form == "raw":
        return bytes.fromhex(rest)
    if form == "binary":
        content = rest.encode("utf-8")
    elif form == "random":
        content = random.Random(20).randbytes(int(rest))
    elif text == "empty":
        content = b""
    else:
        raise ValueError(f"unknown request {text!r}")
    return encode(content, "binary/custom-client-binary-type", "binary")


def print_reply(header, content):
    names = ("byteorder", "content_type", "content_encoding", "content_length", "extensions")
    reply = {name: header[name] for name in names}
    reply["sha256"] = hashlib.sha256(content).hexdigest()
    try:
        if reply["content_type"] != "text/json":
            raise ValueError
        reply["json"] = json.loads(content.decode(reply["content_encoding"]))
    except (ValueError, LookupError, RecursionError):
        reply["hex"] = content[:64].hex()
    print(dump(reply), flush=True)


def command_client(args):
    try:
        requests = [(text.startswith("raw:"), build_request(text)) for text in args.requests]
    except ValueError as error:
        return f"{error}"
    if any(raw for raw, _ in requests[:-1]):
        return "a raw request must be the last"
    try:
        with socket.create_connection((args.host, args.port), timeout=args.timeout) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            replies = receive(sock)
            for raw, data in requests:
                # Sending has its own thread, so that a peer that answers early never blocks us both.
                failures = []
                sender = threading.Thread(target=client_send, args=(sock, data, raw, args, failures), daemon=True)
                sender.start()
                if raw:
                    for reply in replies:
                        print_reply(*reply)
                    continue
                reply = next(replies, None)
                if reply is None:
                    return "the server closed the connection before it replied"
                print_reply(*reply)
                sender.join()
                if failures:
                    return f"{failures[0]}"
    except (OSError, Fault) as error:
        return f"{error}"
    return 0


def client_send(sock, data, raw, args, failures):
    try:
        send(sock, data, args.split, args.delay)
        if raw and not args.keep_open:
            sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        failures.append(error)


SEARCH = {
    "morpheus": "Follow the white rabbit. \U0001f430",
    "ring": "In the caves beneath the Misty Mountains. \U0001f48d",
    "\U0001f436": "\U0001f43e Playing ball! \U0001f3d0",
}


def answer(header, content):
    if header["content_type"] != "text/json":
        reply = b"First 10 bytes of request: " + content[:10]
        return encode(reply, "binary/custom-server-binary-type", "binary")
    request = json.loads(content.decode(header["content_encoding"]))
    if not isinstance(request, dict):
        raise ValueError("the request is not a JSON object")
    action, value = request.get("action"), request.get("value")
    if action != "search":
        return encode_json({"result": f'Error: invalid action "{action}".'})
    found = SEARCH.get(value) if isinstance(value, str) else None
    return encode_json({"result": found or f'No match for "{value}".'})


def serve(sock, args):
    with sock:
        try:
            sock.settimeout(args.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for header, content in receive(sock):
                    send(sock, answer(header, content), args.split)
                    if args.close_after_reply:
                        break
            except (Fault, ValueError, LookupError, RecursionError) as error:
                send(sock, encode_json({"error": f"{error}"}), args.split)
            # Close lingeringly: with bytes unread a plain close would reset the reply away.
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(2)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and sock.recv(65536):
                pass
        except OSError:
            pass  # the peer has gone


def command_server(args):
    with socket.create_server(("127.0.0.1", args.port), backlog=128) as listener:
        print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        threads = []
        while args.connections is None or len(threads) < args.connections:
            sock, _ = listener.accept()
            thread = threading.Thread(target=serve, args=(sock, args), daemon=True)
            thread.start()
            if args.connections is not None:
                threads.append(thread)
        for thread in threads:
            thread.join()
    return 0


# ------------------------------------------------------------------------------------------- test helpers


def command_decode(args):
    decoder = Decoder(args.max_header, args.max_content)
    data = True
    while data:  # to the end even after a fault, so that the writer is not cut off
        data = sys.stdin.buffer.read(args.chunk)
        for event in decoder.feed(data) if data else decoder.finish():
            print(event_line(event))
    return 1 if decoder.fault else 0


def command_dumps(_args):
    for line in sys.stdin.buffer:
        members = dict(json.loads(line)["members"])
        sys.stdout.write(json.dumps(members, ensure_ascii=False).encode("utf-8").hex() + "\n")
    return 0


class Repeated(str):
    """A name, which is equal to no other, so that a dictionary holds it as often as it occurs."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


def command_redump(_args):
    numbers = []

    def number(text):
        # json.dumps spells numbers in its own way, so that others stand in for them.
        numbers.append(text)
        return "\ue000%d\ue000" % (len(numbers) - 1)

    def members(pairs):
        return {Repeated(name): value for name, value in pairs}

    for line in sys.stdin:
        del numbers[:]
        text = bytes.fromhex(line).decode("utf-8")
        value = json.loads(text, parse_int=number, parse_float=number, object_pairs_hook=members)
        text = json.dumps(value, ensure_ascii=False)
        text = re.sub('"\ue000([0-9]+)\ue000"', lambda match: numbers[int(match[1])], text)
        sys.stdout.write(text.encode("utf-8").hex() + "\n")
    return 0


def command_loads(_args):
    for line in sys.stdin:
        try:
            result = json.loads(bytes.fromhex(line).decode("utf-8"))
        except (ValueError, RecursionError) as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(result) + "\n")
    return 0


def cuttings(data):
    """The pieces a vector is decoded in: whole, byte by byte, and in two at every (or 50) places."""
    yield "whole", [data]
    yield "one byte at a time", [data[i : i + 1] for i in range(len(data))]
    places = range(1, len(data))
    if len(data) > 2000:
        places = sorted({1 + n * (len(data) - 2) // 49 for n in range(50)})
    for place in places:
        yield f"cut at {place}", [data[:place], data[place:]]


def check_text(vector):
    """The text of content by Python's own codecs, to which the labels belong (3.3.1)."""
    label, data = vector["content_encoding"], bytes.fromhex(vector["content"])
    try:
        codec = codecs.lookup(label) if label.isascii() else None
    except (LookupError, ValueError):
        codec = None
    result = {}
    if codec is not None and codec._is_text_encoding:
        name = codec.name
        marks = {
            "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
            "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
        }
        order = {"little": "-le", "big": "-be"}[vector["byteorder"]]
        written = {"utf-16": marks["utf-16"], "utf-32": marks["utf-32"]}.get(name)
        try:
            read = name + order if written and not data.startswith(written) else name
            result["text"] = data.decode(read)
        except UnicodeDecodeError as error:
            # Of what follows the mark Python counts from the mark on, but for utf-8-sig.
            skipped = 3 if name == "utf-8-sig" and data.startswith(codecs.BOM_UTF8) else 0
            result["offset"] = error.start + skipped
    expected = {member: vector[member] for member in ("text", "offset") if member in vector}
    if result != expected:
        return f"expected {expected}, got {result}"
    if vector.get("writes"):
        mark = written[vector["byteorder"] == "big"] if written else b""
        if mark + result["text"].encode(name + order if written else name) != data:
            return "the text is written with other bytes"
    return None


def check_checksum(vector):
    value, content = vector["extensions"].get("sha256"), bytes.fromhex(vector["content"])
    if "sha256" not in vector["extensions"]:
        verdict = "absent"
    elif not isinstance(value, str) or not re.fullmatch("[0-9A-Fa-f]{64}", value):
        verdict = "malformed"
    else:
        verdict = "matches" if hashlib.sha256(content).hexdigest() == value.lower() else "differs"
    return None if verdict == vector["verdict"] else f"got {verdict}"


def check_sending(vector):
    content = bytes.fromhex(vector["content"])
    names = ("content_type", "content_encoding", "byteorder")
    extensions = {name: json.loads(text) for name, text in vector["extensions"]}
    try:
        if vector["content_length"] != len(content):
            raise Refused("length-mismatch", "the content has another length")
        dialect = Dialect(vector.get("dialect", "standard"))
        prefix = bytes.fromhex(vector.get("prefix", ""))
        sent = encode(content, *(vector[name] for name in names), extensions, dialect, prefix)
        got = {"bytes": sent.hex()}
    except Refused as error:
        got = {"refused": error.reason}
    expected = {member: vector[member] for member in ("bytes", "refused") if member in vector}
    return None if got == expected else f"expected {expected}, got {got}"


def check_vector(vector):
    """None if the vector passes, else what went wrong."""
    if "verdict" in vector:
        return check_checksum(vector)
    if "content" in vector:
        return check_sending(vector) if "content_length" in vector else check_text(vector)

    def text(events):
        return "\n".join(json.dumps(event, sort_keys=True) for event in events)

    data = bytes.fromhex(vector["bytes"])
    expected = text(vector["events"])
    for cutting, pieces in cuttings(data):
        dialect = Dialect(vector.get("dialect", "standard"))
        decoder = Decoder(vector.get("header_capacity", MAX_HEADER), vector.get("content_limit"), dialect)
        events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()
        events = [json.loads(event_line(event)) for event in events]
        for event in events:
            event.pop("message", None)
        if text(events) != expected:
            return f"{cutting}\nexpected\n{expected}\ngot\n{text(events)}"
    if vector.get("canonical"):
        header, content, _end = vector["events"]
        names = ("content_type", "content_encoding", "byteorder", "extensions")
        if encode(bytes.fromhex(content["hex"]), *(header[name] for name in names)) != data:
            return "the encoder emits other bytes"
    return None


def command_vectors(args):
    names, failures = set(), 0
    for path in sorted(pathlib.Path(args.dir).rglob("*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]:
            name = vector["name"]
            problem = "the name is there twice" if name in names else check_vector(vector)
            names.add(name)
            if problem:
                failures += 1
                print(f"{path.name}: {name}: {problem}\n")
    if failures or not names:
        print(f"{failures} of {len(names)} vectors failed")
        return 1
    print(f"{len(names)} vectors passed")
    return 0


def count(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def main():
    parser = argparse.ArgumentParser(description="A reference peer for jsonframe.")
    commands = parser.add_subparsers(dest="command", required=True)

    client = commands.add_parser("client", help="send requests, print one JSON object a reply")
    client.add_argument("host")
    client.add_argument("port", type=int)
    client.add_argument(
        "requests",
        nargs="+",
        metavar="REQUEST",
        help="search:VALUE, json:ACTION:VALUE, binary:TEXT, empty, random:SIZE, or last raw:HEX "
        "(sends the bytes, ends the sending side, reads replies until the server closes)",
    )
    client.add_argument("--split", type=count, default=0, help="send in pieces of this many bytes")
    client.add_argument("--delay", type=float, default=0.0, help="seconds between two pieces")
    client.add_argument("--timeout", type=float, default=20.0, help="seconds without progress that are a fault")
    client.add_argument("--keep-open", action="store_true", help="do not end the sending side after raw:HEX")
    client.set_defaults(run=command_client)

    server = commands.add_parser("server", help="answer requests on 127.0.0.1")
    server.add_argument("--port", type=int, default=0)
    server.add_argument("--split", type=count, default=0, help="send replies in pieces of this many bytes")
    server.add_argument("--connections", type=count, help="end after this many connections")
    server.add_argument("--close-after-reply", action="store_true", help="close after the first reply")
    server.add_argument("--timeout", type=float, default=60.0, help="seconds a connection may be idle")
    server.set_defaults(run=command_server)

    decode = commands.add_parser("decode", help="print the events of the stream on stdin")
    decode.add_argument("--max-header", type=int, default=MAX_HEADER, help="header capacity in bytes")
    decode.add_argument("--max-content", type=int, help="content limit in bytes")
    decode.add_argument("--chunk", type=count, default=65536, help="feed pieces of this many bytes")
    decode.set_defaults(run=command_decode)

    dumps = commands.add_parser("dumps", help="JSON lines of members in, hex of Python's json.dumps out")
    dumps.set_defaults(run=command_dumps)
    redump = commands.add_parser("redump", help="hex of headers in, of json.dumps with their numbers and names out")
    redump.set_defaults(run=command_redump)
    loads = commands.add_parser("loads", help="hex lines of headers in, what Python's json.loads reads out")
    loads.set_defaults(run=command_loads)

    vectors = commands.add_parser("vectors", help="run every vector file of a directory")
    vectors.add_argument("dir")
    vectors.set_defaults(run=command_vectors)

    args = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    try:
        result = args.run(args)
    except KeyboardInterrupt:
        result = 130
    if isinstance(result, str):
        print(f"jsonframe_peer: {result}", file=sys.stderr)
        result = 1
    return result


if __name__ == "__main__":
    sys.exit(main())
