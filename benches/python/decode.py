"""Decodes a stream of jsonframe messages, for `compare`: by struct and json, or by a peer whose file is the argument.

Standard input: the stream's length on a line, the stream, then commands, one a line.
  record  answers with a JSON array of all messages
  run     decodes the stream once and answers with [nanoseconds, a number that depends on all that was decoded]
"""

import importlib.util
import json
import struct
import sys
import time


def by_struct_and_json(stream):
    """What anyone would write who wants it fast."""
    proto_header, loads = struct.Struct(">H").unpack_from, json.loads
    messages = []
    at, end = 0, len(stream)
    while at < end:
        (length,) = proto_header(stream, at)
        at += 2
        header = loads(stream[at : at + length].decode())
        at += length
        length = header["content-length"]
        content = stream[at : at + length]
        at += length
        messages.append((header["byteorder"], header["content-type"], header["content-encoding"], length, content))
    return messages


def by_peer(path):
    spec = importlib.util.spec_from_file_location("peer", path)
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)

    def decode(stream):
        messages = []
        for event in peer.Decoder().feed(stream):
            if event["event"] == "header":
                head = (event["byteorder"], event["content_type"], event["content_encoding"], event["content_length"])
            elif event["event"] == "content":
                messages.append((*head, event["content"]))
        return messages

    return decode


def record(messages):
    members = ("byteorder", "content_type", "content_encoding", "content_length", "content")
    return [dict(zip(members, (*head, list(content)))) for *head, content in messages]


def glance(messages):
    return sum(map(len, messages)) + sum(length + len(content) for *_, length, content in messages)


def main():
    decode = by_peer(sys.argv[1]) if len(sys.argv) > 1 else by_struct_and_json
    stream = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
    for command in iter(sys.stdin.buffer.readline, b""):
        start = time.perf_counter_ns()
        messages = decode(stream)
        ns = time.perf_counter_ns() - start
        answer = record(messages) if command == b"record\n" else [ns, glance(messages)]
        print(json.dumps(answer), flush=True)


main()
