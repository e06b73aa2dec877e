#!/usr/bin/env python3
"""What Python's codecs make of labels, bytes and text, for the tests to compare with.

Requests come as lines on stdin, one answer a line on stdout:

    labels                  every label there is, in one line
    version                 Python's minor version
    lookup HEX              the codec's name, "not-text NAME", or "-"; the label is UTF-8 in hex
    decode LABEL HEX        the text as UTF-8 in hex with "=" before it, or the offset of what is no character
    stream LABEL HEX        the text as the tutorial's programs decode it, with "=" before it, or "-"
    encode LABEL HEX        the bytes in hex with "=" before them, or the index of the character that there is none for
    bytes LABEL             what each of the 256 bytes is, separated by commas
    pairs LABEL             what each of the pairs from 8000 to FFFF is
    triples LABEL           what each of the sequences from 8FA180 to 8FFEFF is
    quads LABEL             what each of the four-byte sequences of gb18030 is
    characters LABEL HEX    the bytes of each character of the text, or "-"
"""

import codecs
import encodings
import encodings.aliases
import io
import pkgutil
import sys


def labels():
    modules = [module.name for module in pkgutil.iter_modules(encodings.__path__)]
    return " ".join(sorted(set(modules) | set(encodings.aliases.aliases)))


def lookup(label):
    try:
        codec = codecs.lookup(bytes.fromhex(label).decode())
    except (LookupError, ValueError):
        return "-"
    return codec.name if codec._is_text_encoding else "not-text " + codec.name


def decode(label, data):
    try:
        return "=" + data.decode(label).encode("utf-8", "surrogatepass").hex()
    except UnicodeDecodeError as error:
        # What was cut off before, as the mark of utf-8-sig, is missing from the error's object.
        return str(error.start + len(data) - len(error.object))


def stream(label, data):
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding=label, newline="").read()
    except UnicodeError:
        return "-"
    return "=" + text.encode().hex()


def encode(label, text):
    try:
        return "=" + text.encode(label).hex()
    except UnicodeEncodeError as error:
        return str(error.start)


def brief(label, data):
    answer = decode(label, data)
    return answer[1:] if answer[0] == "=" else "!" + answer


def sequences(label, data):
    return ",".join(brief(label, sequence) for sequence in data)


def answer(command, *arguments):
    if command == "labels":
        return labels()
    if command == "version":
        return str(sys.version_info.minor)
    if command == "lookup":
        return lookup(arguments[0] if arguments else "")
    if command == "decode":
        return decode(arguments[0], bytes.fromhex(arguments[1] if arguments[1:] else ""))
    if command == "stream":
        return stream(arguments[0], bytes.fromhex(arguments[1]))
    if command == "encode":
        return encode(arguments[0], bytes.fromhex(arguments[1] if arguments[1:] else "").decode())
    if command == "bytes":
        return sequences(arguments[0], (bytes([a]) for a in range(256)))
    if command == "pairs":
        return sequences(arguments[0], (bytes([a, b]) for a in range(128, 256) for b in range(256)))
    if command == "triples":
        return sequences(arguments[0], (bytes([0x8F, a, b]) for a in range(0xA1, 0xFF) for b in range(128, 256)))
    if command == "quads":
        return sequences(
            arguments[0],
            (
                bytes([a, b, c, d])
                for a in range(0x81, 0xFF)
                for b in range(0x30, 0x3A)
                for c in range(0x81, 0xFF)
                for d in range(0x30, 0x3A)
            ),
        )
    if command == "characters":
        encoded = (encode(arguments[0], character) for character in bytes.fromhex(arguments[1]).decode())
        return ",".join(one[1:] if one[0] == "=" else "-" for one in encoded)
    raise ValueError(command)


for line in sys.stdin:
    print(answer(*line.split()))
