#!/usr/bin/env python3
"""A peer that speaks the dialects of the field, in the manner of the tutorial's programs: struct.pack, then json.dumps.

    dialects.py capture DIALECT                          a stream of messages, to standard output
    dialects.py decode DIALECT                           what a stream on standard input holds, a JSON object a message
    dialects.py serve DIALECT                            answers searches, on a free port that the first line names
    dialects.py ask DIALECT HOST PORT ACTION VALUE ...   sends requests over one connection, and prints the answers

It is written from what such programs do, with the standard library only, and checks nothing that they do not check.
"""

import json
import socket
import struct
import sys

# By the text that `inspect --dialect` takes: the struct format of the header's length, what joins the words of a name, and
# the members that are left out.
DIALECTS = {
    "standard": (">H", "-", ()),
    "u16-le": ("<H", "-", ()),
    "u32": (">I", "-", ()),
    "u32-le": ("<I", "-", ()),
    "u8": (">B", "-", ()),
    "standard,underscores": (">H", "_", ()),
    "u32,no-byteorder": (">I", "-", ("byteorder",)),
    "u16-le,no-encoding": ("<H", "-", ("content-encoding",)),
    "u8,no-byteorder,no-type,no-encoding": (">B", "-", ("byteorder", "content-type", "content-encoding")),
    "u32-le,underscores,no-byteorder": ("<I", "_", ("byteorder",)),
}

# What a peer assumes that leaves a member out.
ASSUMED = {"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8"}

TABLE = {
    "morpheus": "Follow the white rabbit. \U0001f430",
    "ring": "In the caves beneath the Misty Mountains. \U0001f48d",
}


class Peer:
    def __init__(self, dialect, read, write):
        self.length_format, self.joint, self.left_out = DIALECTS[dialect]
        self.read, self.write = read, write

    def name(self, member):
        return member.replace("-", self.joint)

    def send(self, content, content_type="text/json", content_encoding="utf-8"):
        header = {
            "byteorder": "little",
            "content-type": content_type,
            "content-encoding": content_encoding,
            "content-length": len(content),
        }
        # A member that is left out is what the other side assumes, or it must be there.
        header = {
            self.name(member): value
            for member, value in header.items()
            if not (member in self.left_out and value == ASSUMED[member])
        }
        data = json.dumps(header, ensure_ascii=False).encode("utf-8")
        self.write(struct.pack(self.length_format, len(data)) + data + content)

    def send_json(self, value):
        self.send(json.dumps(value, ensure_ascii=False).encode("utf-8"))

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.read(count - len(data))
            if not piece:
                break
            data += piece
        return data

    def receive(self):
        """The header, by the members' own names, and the content; None at the end of the stream."""
        prefix = self.read_exactly(struct.calcsize(self.length_format))
        if not prefix:
            return None
        (length,) = struct.unpack(self.length_format, prefix)
        header = json.loads(self.read_exactly(length).decode("utf-8"))
        found = {}
        for member in ("byteorder", "content-type", "content-encoding", "content-length"):
            found[member] = header[self.name(member)] if member not in self.left_out else header.get(
                self.name(member), ASSUMED[member]
            )
        return found, self.read_exactly(found["content-length"])


def capture(dialect):
    peer = Peer(dialect, None, sys.stdout.buffer.write)
    peer.send_json({"action": "search", "value": "needle"})
    peer.send_json({"result": 'No match for "needle".'})
    peer.send_json({"action": "search", "value": "\U0001f436 \u00e9"})
    peer.send(b"")
    peer.send(bytes(range(256)) * 3, "binary/custom-client-binary-type", "binary")
    peer.send(b"caf\xe9", "text/plain", "latin-1")
    peer.send_json({"result": "x" * 70000})


def decode(dialect):
    peer = Peer(dialect, sys.stdin.buffer.read, None)
    while (message := peer.receive()) is not None:
        header, content = message
        print(json.dumps({**header, "content": content.hex()}))


def serve(dialect):
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            peer = Peer(dialect, connection.recv, connection.sendall)
            while (message := peer.receive()) is not None:
                header, content = message
                if header["content-type"] == "text/json":
                    request = json.loads(content.decode(header["content-encoding"]))
                    value = request["value"]
                    peer.send_json({"result": TABLE.get(value) or f'No match for "{value}".'})
                else:
                    answer = b"First 10 bytes of request: " + content[:10]
                    peer.send(answer, "binary/custom-server-binary-type", "binary")


def ask(dialect, host, port, *words):
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        peer = Peer(dialect, connection.recv, connection.sendall)
        for action, value in zip(words[::2], words[1::2]):
            if action == "search":
                peer.send_json({"action": action, "value": value})
            else:
                peer.send((action + value).encode("utf-8"), "binary/custom-client-binary-type", "binary")
            header, content = peer.receive()
            if header["content-type"] == "text/json":
                print(json.loads(content.decode(header["content-encoding"]))["result"])
            else:
                print(repr(content))


if __name__ == "__main__":
    {"capture": capture, "decode": decode, "serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
