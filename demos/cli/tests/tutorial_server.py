"""A server with the structure of the sockets tutorial's: one selector, a buffer for each connection, one request on each.

It is careful about nothing that the tutorial is not careful about. What it does with an unusual request, it does because of
that structure: a step for each part of a message, taken when there are enough bytes; a reply when there is a request.
"""

import json
import selectors
import socket
import struct
import sys
import traceback

REQUIRED = ("byteorder", "content-length", "content-type", "content-encoding")
KNOWN = {"morpheus": "Follow the white rabbit.", "ring": "In the caves beneath the Misty Mountains."}

selector = selectors.DefaultSelector()


class Exchange:
    def __init__(self, connection):
        self.connection = connection
        self.incoming = b""
        self.outgoing = b""
        self.header_length = None
        self.header = None
        self.request = None
        self.has_reply = False

    def turn(self, mask):
        if mask & selectors.EVENT_READ:
            self.read()
        if mask & selectors.EVENT_WRITE:
            self.write()

    def read(self):
        try:
            received = self.connection.recv(4096)
        except BlockingIOError:
            return
        if not received:
            raise RuntimeError("the peer has closed")
        self.incoming += received
        if self.header_length is None:
            self.take_header_length()
        if self.header_length is not None and self.header is None:
            self.take_header()
        if self.header and self.request is None:
            self.take_request()

    def take_header_length(self):
        if len(self.incoming) >= 2:
            self.header_length = struct.unpack(">H", self.incoming[:2])[0]
            self.incoming = self.incoming[2:]

    def take_header(self):
        if len(self.incoming) >= self.header_length:
            self.header = json.loads(self.incoming[: self.header_length].decode("utf-8"))
            self.incoming = self.incoming[self.header_length :]
            for name in REQUIRED:
                if name not in self.header:
                    raise ValueError(f"the header has no {name}")

    def take_request(self):
        length = self.header["content-length"]
        if not len(self.incoming) >= length:
            return
        content = self.incoming[:length]
        self.incoming = self.incoming[length:]
        if self.header["content-type"] == "text/json":
            self.request = json.loads(content.decode(self.header["content-encoding"]))
        else:
            self.request = content
        selector.modify(self.connection, selectors.EVENT_WRITE, self)

    def write(self):
        if self.request and not self.has_reply:
            self.make_reply()
        if self.outgoing:
            try:
                sent = self.connection.send(self.outgoing)
            except BlockingIOError:
                return
            self.outgoing = self.outgoing[sent:]
            if not self.outgoing:
                self.close()

    def make_reply(self):
        if self.header["content-type"] == "text/json":
            value = self.request.get("value")
            result = KNOWN.get(value) or f"No match for '{value}'."
            if self.request.get("action") != "search":
                result = "Error: invalid action."
            content, kind, encoding = json.dumps({"result": result}).encode(), "text/json", "utf-8"
        else:
            content, kind, encoding = b"It begins with " + self.request[:10], "binary/custom-server-binary-type", "binary"
        header = {
            "byteorder": sys.byteorder,
            "content-type": kind,
            "content-encoding": encoding,
            "content-length": len(content),
        }
        header = json.dumps(header, ensure_ascii=False).encode()
        self.outgoing = struct.pack(">H", len(header)) + header + content
        self.has_reply = True

    def close(self):
        selector.unregister(self.connection)
        self.connection.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, None)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        for key, mask in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, Exchange(connection))
                continue
            try:
                key.data.turn(mask)
            except Exception:
                traceback.print_exc()
                key.data.close()


main()
