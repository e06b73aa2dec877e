#!/usr/bin/env python3
"""The host's side of the link: feeds the device the test vectors, cut in many ways, and checks its answers byte for byte.

usage: host.py answers [--room BYTES] [--brief] [--endless] VECTORS COMMAND...
       host.py stack VECTORS COMMAND...
       host.py logs --elf FILE --decoder DEFMT-PRINT VECTORS COMMAND...

COMMAND runs the firmware `device`, `stack` or `log`. --room says how long a header the device has room for, --brief tries fewer
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
READER_EVERY = 8  # places where a stream is cut for the decoder is one where it is cut for the reader too


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


def packets(vector, pieces, kind=b"O"):
    limits = struct.pack(">HQ", vector.get("header_capacity", 65535), vector.get("content_limit", NO_LIMIT))
    payloads = [(kind, limits), *((b"D", piece) for piece in pieces), (b"C", b"")]
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
        if seconds >= PATIENCE:
            sys.exit(f"the device has fallen silent, or is too slow: {len(output)} bytes of answers in {PATIENCE} s")
        return process.returncode, output, seconds


def explain(output, at, expected, name, cutting):
    got = output[at : at + len(expected)]
    same = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    sys.exit(f"{name}, {cutting}: the answers differ at byte {same}:\n  expected {expected}\n  answered {got}")


def check_answers(arguments):
    stimulus, expected, octets, by_reader = [], [], 0, 0
    all_vectors = vectors(arguments.vectors)
    for vector in all_vectors:
        reply = b"".join(answers(vector, arguments.room))
        for cutting, pieces in cuttings(vector, arguments.brief):
            ways = [(b"O", "by decoder"), (b"R", "by reader")]
            # A reader is asked for what is lacking, wherever the packets are cut: a few of so many cuts will do.
            seldom = len(pieces) == 2 and len(pieces[0]) % READER_EVERY or arguments.brief and cutting != "whole"
            for kind, way in ways[: 1 if seldom else 2]:
                by_reader += kind == b"R"
                stimulus.append(packets(vector, pieces, kind))
                expected.append((reply, vector["name"], f"{cutting}, {way}"))
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
        f"{len(all_vectors)} vectors in {len(expected) - by_reader} cuttings by decoder and {by_reader} by reader, {octets} bytes: "
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


def logged(vector, room):
    """What must be logged of a vector's stream: the headers in full, and of the line about a fault the offset."""
    lines, start = [], 0
    stream = bytes.fromhex(vector["bytes"])
    for event in vector["events"]:
        kind = event["event"]
        length = int.from_bytes(stream[start : start + 2])
        is_announced = kind != "end" and len(stream) >= start + 2
        if is_announced and length > min(room, vector.get("header_capacity", 65535)):
            return lines + [f"(at byte {start})"]
        if kind == "header":
            header = stream[start + 2 : start + 2 + length].decode()
            parsed = json.loads(header, object_pairs_hook=Pairs, parse_int=Raw, parse_float=Raw)
            required = ("byteorder", "content-type", "content-encoding", "content-length")
            parsed.sort(key=lambda member: required.index(member[0]) if member[0] in required else len(required))
            order, kind, encoding, content_length = parsed[:4]
            lines.append(emitted(Pairs([order, kind, encoding, content_length, *parsed[4:]])))
        elif kind == "end":
            start = event["offset"]
        elif kind in ("error", "truncated"):
            lines.append(f"(at byte {event['offset']})")
    return lines


def check_logs(arguments):
    """Checks that what defmt makes of the logs is what the device spells out, and what the vectors say."""
    all_vectors = vectors(arguments.vectors)
    stimulus = [packets(vector, cut(bytes.fromhex(vector["bytes"]), [])) for vector in all_vectors]
    code, output, seconds = run(arguments.command, b"".join(stimulus))
    if code != 0:
        sys.exit(f"the device exits with {code}")
    command = [arguments.decoder, "-e", arguments.elf, "--log-format", "{s}", "--show-skipped-frames"]
    text = subprocess.run(command, input=output, stdout=subprocess.PIPE, check=True, timeout=PATIENCE).stdout.decode()
    lines = text.removesuffix("\n").split("\n")
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    for formatted, displayed in pairs:
        if formatted != displayed:
            sys.exit(f"formatted for defmt and displayed, the same thing reads:\n  {formatted}\n  {displayed}")
    expected = [line for vector in all_vectors for line in logged(vector, arguments.room)]
    samples = len(pairs) - len(expected)
    if samples <= 0:
        sys.exit(f"{len(pairs)} things are logged; the vectors alone have {len(expected)}")
    for (formatted, _), line in zip(pairs[samples:], expected):
        if formatted != line and not (line.startswith("(at byte") and line in formatted):
            sys.exit(f"logged: {formatted}\nexpected: {line}")
    print(
        f"{len(expected)} headers and errors, and {samples} other things, logged by defmt in {len(output)} bytes "
        f"and decoded by defmt-print, each as displayed ({seconds:.1f} s)"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["answers", "stack", "logs"])
    parser.add_argument("--room", type=int, default=8192)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("--elf")
    parser.add_argument("--decoder")
    parser.add_argument("vectors")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    {"answers": check_answers, "stack": check_stack, "logs": check_logs}[arguments.mode](arguments)


main()
