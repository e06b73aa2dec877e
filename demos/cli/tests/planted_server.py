"""A server that holds to every rule, but for those that its command line has it break.

Each `--plant FAULT` removes one refusal, or breaks one other thing, and nothing else: what is found at fault beyond that is
found by mistake.
"""

import argparse
import json
import re
import socket
import socketserver
import struct
import time

REQUIRED = ("byteorder", "content-type", "content-encoding", "content-length")
FAULTS = (
    "zero-length",
    "byte-order-mark",
    "not-utf8",
    "trailing-bytes",
    "nan",
    "control-characters",
    "lone-surrogates",
    "deep-nesting",
    "missing-content-type",
    "duplicates",
    "unknown-byteorder",
    "null-content-encoding",
    "length-as-string",
    "length-as-float",
    "length-wrapped",
    "cut-content",
    "request-after-fault",
    "another-form",
    "answers-an-end",
    "fixed-order",
    "lost-at-the-end",
    "no-escapes",
    "no-extensions",
    "no-white-space-around",
    "long-header-late",
    "one-at-a-time",
    "waits-for-content",
    "waits-for-header",
    "wrong-reply-to",
)
DEPTH = 64
WHITE_SPACE = b" \t\n\r"


class Refused(Exception):
    pass


class Ended(Exception):
    pass


class Number(str):
    """A number as it is spelt."""


def require(condition, why):
    if not condition:
        raise Refused(why)


def depth(value):
    """How deeply objects and arrays are nested, without recursion."""
    deepest, pending = 0, [(value, 1)]
    while pending:
        value, level = pending.pop()
        if isinstance(value, Object):
            children = [child for _, child in value.pairs]
        elif isinstance(value, list):
            children = value
        else:
            continue
        deepest = max(deepest, level)
        pending.extend((child, level + 1) for child in children)
    return deepest


def has_surrogate(value):
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, Object):
            for name, child in value.pairs:
                pending.extend((name, child))
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            return True
    return False


class Object:
    def __init__(self, pairs):
        self.pairs = pairs


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


class OneAtATime(socketserver.TCPServer):
    request_queue_size = 64


class Handler(socketserver.BaseRequestHandler):
    def has(self, fault):
        return fault in self.server.planted

    def take(self, count, already=b""):
        """The next bytes, as many as that. The end of the stream is an end only before the first of them."""
        while len(already) < count:
            received = self.request.recv(min(count - len(already), 65536))
            if not received:
                if self.has("cut-content") and self.in_content:
                    return already
                raise Refused("the stream is cut") if already or self.in_message else Ended()
            already += received
        return already

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Whoever reads no answers is soon no longer read from.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.request.settimeout(self.server.patience)
        self.has_answered = False
        while True:
            try:
                self.one()
            except Refused as why:
                self.answer({"error": str(why)})
                if not self.has("request-after-fault") or not self.can_go_on:
                    return self.leave()
            except Ended:
                if self.has("answers-an-end") and not self.has_answered:
                    self.answer({"error": "the stream has ended"})
                return self.leave()
            except OSError:
                return self.leave()

    def one(self):
        self.in_message = self.in_content = self.can_go_on = False
        (length,) = struct.unpack(">H", self.take(2))
        self.in_message = True
        if length == 0:
            if self.has("waits-for-header"):
                self.take(1)
            require(self.has("zero-length"), "the header is empty")
            return self.answer({"result": "nothing asked"})
        text = self.take(1)
        while len(text) < length and text[-1] in WHITE_SPACE:
            text = self.take(len(text) + 1, text)
        begun = text.lstrip(WHITE_SPACE)[:1]
        require(begun in (b"", b"{") or begun >= b"\x80", "the header is no object")
        text = self.take(length, text)
        require(not self.has("long-header-late") or length < 60000, "the header is too long")
        header = self.header(text)
        length = self.length(header["content-length"])
        self.in_content = True
        if self.has("waits-for-content") and length == 0:
            self.take(1)
        content = self.take(length)
        self.in_content = False
        if header["content-type"] == "text/json":
            try:
                value = json.loads(content)["value"]
            except (ValueError, TypeError, KeyError):
                raise Refused("the content is no request")
            if self.has("lost-at-the-end") and self.has_ended():
                raise Ended()
            has_id = "request-id" in header
            self.answer({"result": f"no match for {value}"}, {"reply-to": 8} if has_id and self.has("wrong-reply-to") else {})
        else:
            self.answer({"begins": content[:10].decode("latin-1")})

    def has_ended(self):
        """Whether the stream ends here, once there has been time to tell."""
        time.sleep(0.05)
        self.request.setblocking(False)
        try:
            return not self.request.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            self.request.settimeout(self.server.patience)

    def header(self, text):
        require(not self.has("no-escapes") or b"\\" not in text, "the header has escapes")
        around = text[:1] in WHITE_SPACE or text[-1:] in WHITE_SPACE
        require(not self.has("no-white-space-around") or not around, "white space around the header")
        if text.startswith(b"\xef\xbb\xbf"):
            require(self.has("byte-order-mark"), "the header has a byte order mark")
            text = text[3:]
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            require(self.has("not-utf8"), "the header is not UTF-8")
            text = text.decode("latin-1")
        decoder = json.JSONDecoder(
            object_pairs_hook=Object,
            parse_int=Number,
            parse_float=Number,
            parse_constant=self.constant,
            strict=not self.has("control-characters"),
        )
        text = text.lstrip(" \t\n\r")
        try:
            value, end = decoder.raw_decode(text)
        except ValueError as error:
            raise Refused(f"the header is not JSON: {error}")
        except RecursionError:
            raise Refused("the header is nested too deeply")
        require(self.has("trailing-bytes") or not text[end:].strip(" \t\n\r"), "bytes after the object")
        require(isinstance(value, Object), "the header is no object")
        self.can_go_on = True
        require(self.has("deep-nesting") or depth(value) <= DEPTH, "the header is nested too deeply")
        require(self.has("lone-surrogates") or not has_surrogate(value), "half of a surrogate pair")
        return self.members(value.pairs)

    def constant(self, name):
        require(self.has("nan"), f"{name} is not JSON")
        return Number(name)

    def members(self, pairs):
        names = [name for name, _ in pairs]
        required = [name for name in names if name in REQUIRED]
        require(not self.has("fixed-order") or required == sorted(required, key=REQUIRED.index), "another order")
        require(not self.has("no-extensions") or set(names) <= set(REQUIRED), "unknown members")
        header = dict(pairs)
        for name in REQUIRED:
            require(names.count(name) < 2 or self.has("duplicates"), f"{name} is there twice")
            if name == "content-type" and self.has("missing-content-type"):
                header.setdefault(name, "text/json")
            require(name in header, f"{name} is missing")
        if self.has("null-content-encoding") and header["content-encoding"] is None:
            header["content-encoding"] = "utf-8"
        for name in REQUIRED[:3]:
            text = isinstance(header[name], str) and not isinstance(header[name], Number)
            require(text, f"{name} is no string")
        known = header["byteorder"] in ("little", "big")
        require(known or self.has("unknown-byteorder"), "byteorder is neither little nor big")
        return header

    def length(self, value):
        if self.has("length-as-string") and isinstance(value, str):
            value = Number(value)
        require(isinstance(value, Number), "content-length is no number")
        if self.has("length-as-float") and re.fullmatch(r"[0-9]+(\.0|e0)", value):
            return int(float(value))
        require(re.fullmatch(r"0|[1-9][0-9]*", value), "content-length is no plain number")
        if self.has("length-wrapped"):
            return int(value) % 2**64
        require(int(value) < 2**64, "content-length is too large")
        return int(value)

    def answer(self, value, more={}):
        self.has_answered = True
        content = json.dumps(value, ensure_ascii=False).encode()
        header = {
            "byteorder": "little",
            "content-type": "text/json",
            "content-encoding": "utf-8",
            "content-length": len(content),
            **more,
        }
        header = json.dumps(header, ensure_ascii=False, sort_keys=self.has("another-form")).encode()
        try:
            self.request.sendall(struct.pack(">H", len(header)) + header + content)
        except OSError:
            raise Ended()

    def leave(self):
        """Ends the connection without a reset: what is still to come is read first, for a bounded time."""
        try:
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(0.5)
            for _ in range(64):
                if not self.request.recv(65536):
                    break
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plant", action="append", default=[], choices=FAULTS)
    parser.add_argument("--patience", type=float, default=60)
    arguments = parser.parse_args()
    kind = OneAtATime if "one-at-a-time" in arguments.plant else Server
    with kind(("127.0.0.1", 0), Handler) as server:
        server.planted = set(arguments.plant)
        server.patience = arguments.patience
        print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


main()
