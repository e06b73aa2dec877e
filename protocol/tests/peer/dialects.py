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

# What a peer assumes that leaves a member out.
ASSUMED = {"byteorder": "little", "content-type": "text/json", "content-encoding": "utf-8", "content-length": 0}
ALL = tuple(ASSUMED)


class Form:
    """What such a program does otherwise."""

    def __init__(self, length="!H", joint="-", left_out=(), may_lack=(), prefix=b"", names=None, encoding="latin-1"):
        self.length = length  # the struct format of the header's length
        self.left_out = left_out  # members that are left out when they say what is assumed
        self.may_lack = {*left_out, *may_lack}  # members that need not be there
        self.prefix = prefix  # what comes before the length
        self.names = {member: member.replace("-", joint) for member in ALL} | (names or {})
        self.encoding = encoding  # of the message that is neither JSON nor binary


# By the text that `jsonframe inspect --dialect` takes.
DIALECTS = {
    "standard": Form(),
    "u16-le": Form("<H"),
    "u32": Form(">I"),
    "u32-le": Form("<I"),
    "u8": Form(">B"),
    "standard,underscores": Form(joint="_"),
    "u32,no-byteorder": Form(">I", left_out=("byteorder",)),
    "u16-le,no-encoding": Form("<H", left_out=("content-encoding",)),
    "u8,no-byteorder,no-type,no-encoding": Form(">B", left_out=ALL[:3]),
    "u32-le,underscores,no-byteorder": Form("<I", "_", left_out=("byteorder",)),
    # A version before the length.
    "standard,prefix=0001,underscores,no-byteorder,no-type": Form(
        prefix=struct.pack(">H", 1), joint="_", left_out=("byteorder", "content-type")
    ),
    # Messages that are their headers.
    "u16-le,length=content-len,no-byteorder,no-type,no-encoding,no-length": Form(
        "<H", left_out=ALL, names={"content-length": "content-len"}
    ),
    # A total, the number of a request and a sub id before the length, and the types of arrays as their encoding.
    "u32-le,prefix=9200000001000000ffff,raw-json": Form(
        "<I", prefix=struct.pack("<iih", 146, 1, -1), encoding=["float32"]
    ),
    # A receiver that would do without what it sends.
    "standard,maybe-byteorder,no-type,no-encoding": Form(
        left_out=("content-type", "content-encoding"), may_lack=("byteorder",)
    ),
}

TABLE = {
    "morpheus": "Follow the white rabbit. \U0001f430",
    "ring": "In the caves beneath the Misty Mountains. \U0001f48d",
}


class Peer:
    def __init__(self, dialect, read, write):
        self.form = DIALECTS[dialect]
        self.read, self.write = read, write

    def send(self, content, content_type="text/json", content_encoding="utf-8", prefix=None):
        header = {
            "byteorder": "little",
            "content-type": content_type,
            "content-encoding": content_encoding,
            "content-length": len(content),
        }
        # A member that is left out is what the other side assumes, or it must be there.
        header = {
            self.form.names[member]: value
            for member, value in header.items()
            if not (member in self.form.left_out and value == ASSUMED[member])
        }
        data = json.dumps(header, ensure_ascii=False).encode("utf-8")
        prefix = self.form.prefix if prefix is None else prefix
        self.write(prefix + struct.pack(self.form.length, len(data)) + data + content)

    def send_json(self, value, prefix=None):
        self.send(json.dumps(value, ensure_ascii=False).encode("utf-8"), prefix=prefix)

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.read(count - len(data))
            if not piece:
                break
            data += piece
        return data

    def receive(self):
        """The header, by the members' own names, the content, and the prefix; None at the end of the stream."""
        form = self.form
        before = self.read_exactly(len(form.prefix) + struct.calcsize(form.length))
        if not before:
            return None
        prefix = before[: len(form.prefix)]
        (length,) = struct.unpack(form.length, before[len(prefix) :])
        header = json.loads(self.read_exactly(length).decode("utf-8"))
        found = {
            member: (
                header.get(form.names[member], ASSUMED[member])
                if member in form.may_lack
                else header[form.names[member]]
            )
            for member in ALL
        }
        return found, self.read_exactly(found["content-length"]), prefix


def capture(dialect):
    peer = Peer(dialect, None, sys.stdout.buffer.write)
    peer.send_json({"action": "search", "value": "needle"})
    peer.send_json({"result": 'No match for "needle".'})
    peer.send_json({"action": "search", "value": "\U0001f436 \u00e9"})
    peer.send(b"")
    peer.send(bytes(range(256)) * 3, "binary/custom-client-binary-type", "binary")
    peer.send(b"caf\xe9", "text/plain", peer.form.encoding)
    peer.send_json({"result": "x" * 70000})


def decode(dialect):
    peer = Peer(dialect, sys.stdin.buffer.read, None)
    while (message := peer.receive()) is not None:
        header, content, _ = message
        # What is no text is shown as its JSON.
        header = {name: json.dumps(value) if isinstance(value, list) else value for name, value in header.items()}
        print(json.dumps({**header, "content": content.hex()}))


def serve(dialect):
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            peer = Peer(dialect, connection.recv, connection.sendall)
            while (message := peer.receive()) is not None:
                header, content, prefix = message
                if header["content-type"] == "text/json":
                    request = json.loads(content.decode(header["content-encoding"]))
                    value = request["value"]
                    peer.send_json({"result": TABLE.get(value) or f'No match for "{value}".'}, prefix)
                else:
                    answer = b"First 10 bytes of request: " + content[:10]
                    peer.send(answer, "binary/custom-server-binary-type", "binary", prefix)


def ask(dialect, host, port, *words):
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        peer = Peer(dialect, connection.recv, connection.sendall)
        for number, (action, value) in enumerate(zip(words[::2], words[1::2])):
            # By its prefix a client knows which request is answered.
            asked = bytes(byte ^ number for byte in peer.form.prefix)
            if action == "search":
                peer.send_json({"action": action, "value": value}, asked)
            else:
                peer.send((action + value).encode("utf-8"), "binary/custom-client-binary-type", "binary", asked)
            header, content, answered = peer.receive()
            assert answered == asked, (answered, asked)
            if header["content-type"] == "text/json":
                print(json.loads(content.decode(header["content-encoding"]))["result"])
            else:
                print(repr(content))


if __name__ == "__main__":
    {"capture": capture, "decode": decode, "serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
