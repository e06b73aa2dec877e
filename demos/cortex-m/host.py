#!/usr/bin/env python3
"""The host's side of the link: feeds the device the test vectors, cut in many ways, and checks its answers byte for byte.

usage: host.py answers [--room BYTES] [--brief] [--endless] VECTORS COMMAND...
       host.py stack VECTORS COMMAND...

COMMAND runs the firmware `device`, or `stack`. --room says how long a header the device has room for, --brief tries fewer
ways to cut, and --endless is for a device that cannot end by itself.

What the device must answer is computed from the vectors' events and, where they do not say it, with Python's `json`; no
code of the device or of jsonframe has a part in it.
"""

import argparse
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time

LARGEST = 1024  # payload of a packet
LONGEST_HEADER = 1024  # that the device sends, with its proto-header
REPEATED = 16  # members of a received header that the device sends back
PATIENCE = 600  # seconds for all of it
NO_LIMIT = 2**64 - 1
CUT_EVERYWHERE = 300  # the longest stream, in bytes, that is cut in two at every place


class Raw(str):
    """A number as it is spelt."""


class Pairs(list):
    """An object's members in their order, repeated ones included."""


def emitted(value):
    """A value's text as a sender must spell it."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{emitted(name)}: {emitted(member)}" for name, member in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(emitted, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def message(byteorder, kind, encoding, content, members):
    required = [
        ("byteorder", byteorder),
        ("content-type", kind),
        ("content-encoding", encoding),
        ("content-length", len(content)),
    ]
    header = emitted(Pairs(required + members)).encode()
    return struct.pack(">H", len(header)) + header + content if len(header) + 2 <= LONGEST_HEADER else None


def say(members, content=b""):
    return message("big", "binary/custom-server-binary-type", "binary", content, members)


def to_header(header, event):
    parsed = json.loads(header.decode(), object_pairs_hook=Pairs, parse_int=Raw, parse_float=Raw)
    required = ("byteorder", "content-type", "content-encoding", "content-length")
    members = [(name, value) for name, value in parsed if name not in required]
    facts = [
        ("event", "header"),
        ("offset", event["offset"]),
        ("header-length", event["header_length"]),
        ("announced", event["content_length"]),
        ("members", len(members)),
    ]
    same = (event["byteorder"], event["content_type"], event["content_encoding"])
    return message(*same, b"", facts + members[:REPEATED]) or say(facts)


def to_message(content, end):
    checksum = 0x811C9DC5
    for byte in content:
        checksum = (checksum ^ byte) * 0x01000193 % 2**32
    return say([("event", "message"), ("end", end), ("length", len(content)), ("checksum", checksum)], content[:64])


def to_fault(event):
    fields = [("event", "error"), ("kind", event.get("kind", "truncated")), ("offset", event["offset"])]
    fields += [(name, event[name]) for name in ("member", "length", "capacity", "limit", "missing") if name in event]
    return say(fields)


def answers(vector, room):
    """What the device must answer to a vector's stream, its own room for a header considered."""
    stream = bytes.fromhex(vector["bytes"])
    capacity = min(room, vector.get("header_capacity", 65535))
    sent, start, body = [], 0, 0
    for event in [*vector["events"], None]:
        # Each event before the fault ends where the next message begins.
        if event is None and (not vector["events"] or vector["events"][-1]["event"] == "end"):
            return sent + [say([("event", "closed"), ("offset", start)])]
        kind = event["event"]
        # Of a message whose header does not fit this device there is another fault, and nothing else.
        begun = body == start and event["offset"] >= start and len(stream) >= start + 2
        length = int.from_bytes(stream[start : start + 2]) if begun else 0
        if length > capacity:
            return sent + [to_fault({"kind": "header-too-long", "offset": start, "length": length, "capacity": capacity})]
        if kind == "header":
            body = start + 2 + length
            sent.append(to_header(stream[start + 2 : body], event))
        elif kind == "end":
            sent.append(to_message(stream[body : event["offset"]], event["offset"]))
            start = body = event["offset"]
        elif kind in ("error", "truncated"):
            return sent + [to_fault(event)]
    raise AssertionError(vector["name"])


def packets(vector, pieces):
    limits = struct.pack(">HQ", vector.get("header_capacity", 65535), vector.get("content_limit", NO_LIMIT))
    payloads = [(b"O", limits), *((b"D", piece) for piece in pieces), (b"C", b"")]
    return b"".join(kind + struct.pack(">H", len(payload)) + payload for kind, payload in payloads)


def cut(stream, places):
    places = [0, *places, len(stream)]
    pieces = [stream[begin:end] for begin, end in zip(places, places[1:])]
    return [piece[at : at + LARGEST] for piece in pieces for at in range(0, len(piece) or 1, LARGEST)]


def cuttings(vector, brief):
    """Ways to cut a vector's stream, each with its name."""
    stream = bytes.fromhex(vector["bytes"])
    yield "whole", cut(stream, [])
    if not brief:
        yield "byte by byte", cut(stream, range(1, len(stream)))
    if not brief and len(stream) <= CUT_EVERYWHERE:
        for place in range(1, len(stream)):
            yield f"cut at {place}", cut(stream, [place])
    chance = random.Random(vector["name"])
    for _ in range(1 if brief else 4):
        # Places may be the same, and a packet empty.
        places = sorted(chance.choices(range(len(stream) + 1), k=chance.randint(2, 8)))
        yield f"cut at {places}", cut(stream, places)


def vectors(folder):
    files = sorted(pathlib.Path(folder).glob("*.json"))
    return [vector for file in files for vector in json.loads(file.read_text())["vectors"]]


def run(command, stimulus, expected=None):
    """The exit code of the firmware, what it writes when it is given this, and the seconds that takes.

    With so many bytes expected, it is ended a second after they are there, in which there might come more.
    """
    with tempfile.TemporaryFile() as source:
        source.write(stimulus)
        source.seek(0)
        began = time.monotonic()
        with subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE) as process:
            patience = threading.Timer(PATIENCE, process.kill)
            patience.start()
            output = process.stdout.read(expected)
            seconds = time.monotonic() - began
            end = threading.Timer(1, process.kill)
            if expected is not None:
                end.start()
                output += process.stdout.read()
            process.wait()
            patience.cancel()
            end.cancel()
        return process.returncode, output, seconds


def explain(output, at, expected, name, cutting):
    got = output[at : at + len(expected)]
    same = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    sys.exit(f"{name}, {cutting}: the answers differ at byte {same}:\n  expected {expected}\n  answered {got}")


def check_answers(arguments):
    stimulus, expected, octets = [], [], 0
    all_vectors = vectors(arguments.vectors)
    for vector in all_vectors:
        reply = b"".join(answers(vector, arguments.room))
        for cutting, pieces in cuttings(vector, arguments.brief):
            stimulus.append(packets(vector, pieces))
            expected.append((reply, vector["name"], cutting))
            octets += sum(map(len, pieces))
    length = sum(len(reply) for reply, _, _ in expected)
    code, output, seconds = run(arguments.command, b"".join(stimulus), length if arguments.endless else None)
    at = 0
    for reply, name, cutting in expected:
        if output[at : at + len(reply)] != reply:
            explain(output, at, reply, name, cutting)
        at += len(reply)
    if at != len(output) or (code != 0 and not arguments.endless):
        sys.exit(f"the device exits with {code}, {len(output) - at} bytes after the last answer")
    print(
        f"{len(all_vectors)} vectors in {len(expected)} cuttings, {octets} bytes: "
        f"{length} bytes of answers, each as expected ({seconds:.1f} s)"
    )


def check_stack(arguments):
    stimulus = []
    for vector in vectors(arguments.vectors):
        stream = bytes.fromhex(vector["bytes"])
        stimulus += [packets(vector, cut(stream, places)) for places in ([], [len(stream) // 2])]
    code, output, _ = run(arguments.command, b"".join(stimulus))
    found = re.search(rb"\{.*\}", output)
    if code != 0 or not found:
        sys.exit(f"the device exits with {code} and says {output}")
    figures = json.loads(found[0])
    if not 0 <= figures["measured"] - figures["known"] <= 64:
        sys.exit(f"{figures['known']} bytes of stack and little more are measured as {figures['measured']}")
    for name in ("decode", "extensions", "encode", "state"):
        print(f"{name}\t{figures[name]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["answers", "stack"])
    parser.add_argument("--room", type=int, default=8192)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("vectors")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    {"answers": check_answers, "stack": check_stack}[arguments.mode](arguments)


main()
