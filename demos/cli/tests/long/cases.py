"""What each command is given: one long message, many small ones, and what is no message."""

import json
import os
import socket
import struct
import subprocess
import threading
import zlib

import streams
from streams import SMALL, head, long, small

ALL = {}


def case(name, *arguments):
    def register(function):
        ALL[name] = lambda bench, total: function(bench, total, *arguments)
        return function
    return register


def feed(file, stream):
    """Writes a stream to a program that may leave before its end."""
    try:
        for piece in stream:
            file.write(piece)
        file.close()
    except BrokenPipeError:
        pass


# Filters: a stream goes to standard input.

def filtered(bench, total, stream, arguments, expected=(0,)):
    process = bench.start(*arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    feed(process.stdin, stream(total))
    bench.wait(process, expected)


for stream in [long, small, streams.as_packets]:
    for option in [[], ["--json"]]:
        name = " ".join(["inspect", *option, stream.__name__.removeprefix("as_")])
        case(name, stream, ["inspect", *option])(filtered)
for stream in [streams.as_hex, streams.as_base64, streams.as_python, streams.as_log, streams.as_array, streams.as_dump]:
    case(f"inspect {stream.__name__[3:]}", stream, ["inspect"])(filtered)
for stream in [streams.noise, streams.nearly]:
    case(f"inspect --find {stream.__name__}", stream, ["inspect", "--find", "--format", "raw"], (1,))(filtered)
case("inspect faulty", streams.faulty, ["inspect"], (1,))(filtered)
case("inspect --guess long", long, ["inspect", "--guess"])(filtered)
case("inspect --guess hex", streams.as_hex, ["inspect", "--guess"])(filtered)
for form in ["hex", "python"]:
    case(f"convert to {form}", long, ["convert", "--to", form])(filtered)
for stream in [streams.as_hex, streams.as_base64, streams.as_dump]:
    case(f"convert {stream.__name__[3:]} to lines", stream, ["convert"])(filtered)
case("convert faulty to lines", streams.faulty, ["convert"], (1,))(filtered)
case("convert endless line", streams.endless_line, ["convert"], (2,))(filtered)


@case("convert long, there and back", long)
@case("convert small, there and back", small)
def there_and_back(bench, total, stream):
    there = bench.start("convert", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    back = bench.start("convert", stdin=there.stdout, stdout=subprocess.PIPE)
    there.stdout.close()
    sums = [0, 0]

    def check():
        while piece := os.read(back.stdout.fileno(), streams.PIECE):
            sums[1] = zlib.crc32(piece, sums[1])

    checker = threading.Thread(target=check, daemon=True)
    checker.start()
    for piece in stream(total):
        sums[0] = zlib.crc32(piece, sums[0])
        there.stdin.write(piece)
    there.stdin.close()
    bench.wait(there)
    checker.join()
    bench.wait(back)
    assert sums[0] == sums[1], "the bytes are not the same"


# Peers, which are played here.

class Peer:
    """A server that plays this conversation with each connection."""

    def __init__(self, converse):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.converse = converse
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            stream, _ = self.listener.accept()
            threading.Thread(target=self.play, args=[stream], daemon=True).start()

    def play(self, stream):
        with stream:
            try:
                self.converse(stream)
            except Exception:
                pass  # It is no server that this is about.


def exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def request(stream):
    """Receives a message and forgets its content: how long it was, or None at the end."""
    try:
        header = exactly(stream, struct.unpack(">H", exactly(stream, 2))[0])
    except EOFError:
        return None
    rest = length = json.loads(header)["content-length"]
    space = bytearray(streams.PIECE)
    while rest:
        rest -= stream.recv_into(space, min(rest, len(space)))
    return 2 + len(header) + length


def send_all(stream, pieces):
    for piece in pieces:
        stream.sendall(piece)


def answering(answer):
    """Answers each request with the pieces that this makes."""
    def converse(stream):
        while request(stream) is not None:
            send_all(stream, answer())
    return converse


def answer_small(stream, most=0, stop=None):
    """Answers requests that are as long as the first, many at a time, and stops after so many bytes, if that can be done."""
    length = request(stream)
    stream.sendall(SMALL)
    space, received, answered = bytearray(streams.PIECE), 0, 0
    while length and (count := stream.recv_into(space)):
        received += count
        stream.sendall(SMALL * (received // length - answered))
        answered = received // length
        if stop and answered * len(SMALL) > most:
            stop()
            stop = None


def sink(stream):
    """Reads until the other side ends, or has gone."""
    space = bytearray(streams.PIECE)
    try:
        while stream.recv_into(space):
            pass
    except OSError:
        pass


def ask(port, pieces):
    """Sends a stream, and reads until the other side ends."""
    with socket.create_connection(("127.0.0.1", int(port))) as stream:
        reader = threading.Thread(target=sink, args=[stream], daemon=True)
        reader.start()
        send_all(stream, pieces)
        stream.shutdown(socket.SHUT_WR)
        reader.join()


@case("call, long answer")
@case("call -v, long answer", "-v")
def call_long_answer(bench, total, *options):
    peer = Peer(answering(lambda: long(total)))
    bench.wait(bench.start("call", peer.address, "--json", "{}", *options, stderr=subprocess.DEVNULL))


@case("call --json-lines, too long")
def call_too_long(bench, total):
    peer = Peer(answering(lambda: long(total + (64 << 20))))
    bench.wait(bench.start("call", peer.address, "--json", "{}", "--json-lines", stderr=subprocess.DEVNULL), (1,))


@case("call, long request")
def call_long_request(bench, total):
    peer = Peer(answering(lambda: [SMALL]))
    bench.wait(bench.start("call", peer.address, "--data", "@" + bench.sparse(total)))


@case("call, small")
@case("call --pipeline, small", "--pipeline")
def call_small(bench, total, *options):
    peer = Peer(answer_small)
    repeat = str(total // len(SMALL))
    bench.wait(bench.start("call", peer.address, "--data", "x" * 4000, "--repeat", repeat, *options))


@case("listen long", long)
@case("listen -v long", long, "-v")
@case("listen small", small)
@case("listen --json small", small, "--json")
@case("listen faulty", streams.faulty)
def listen(bench, total, stream, *options):
    server, port = bench.server("listen", "127.0.0.1:0", "--max-content", str(1 << 40), *options)
    try:
        ask(port, stream(total))
    except (BrokenPipeError, ConnectionResetError):
        assert stream is streams.faulty
    bench.end(server)


@case("tap long", long)
@case("tap --json long", long, "--json")
@case("tap small", small)
@case("tap --json small", small, "--json")
@case("tap faulty", streams.faulty)
def tap(bench, total, stream, *options):
    peer = Peer(lambda connection: (sink(connection), send_all(connection, stream(total))))
    tap, port = bench.server("tap", "--listen", "127.0.0.1:0", "--to", peer.address, *options)
    ask(port, stream(total))
    bench.end(tap)


@case("check, long answer", long)
@case("check, answer without end", streams.faulty)
def check(bench, total, answer):
    answers = iter([[SMALL]])
    peer = Peer(answering(lambda: next(answers, None) or answer(total)))
    rule = ["--only", "two-in-one-write", "--timeout", "1"]
    bench.wait(bench.start("check", peer.address, "--json", "{}", *rule, stderr=subprocess.DEVNULL), (0, 1))


@case("check --listen, long request", long)
@case("check --listen, small requests", small)
def check_client(bench, total, stream):
    options = ["--listen", "127.0.0.1:0", "--json", "{}", "--only", "one-byte-at-a-time"]
    checker, port = bench.server("check", *options, says_on="stderr")
    try:
        ask(port, stream(total))
    except OSError:
        pass
    # Of a request that is too long nothing is said; the next client is waited for.
    bench.end(checker, (0, 1, 130))


@case("load, long answers", long)
@case("load, small answers", None)
def load(bench, total, answer):
    started = threading.Event()

    def stop():
        started.wait()
        process.terminate()

    def answer_once(stream):
        request(stream)
        send_all(stream, answer(total))
        stop()
        sink(stream)

    peer = Peer(answer_once if answer else lambda stream: answer_small(stream, total, stop))
    options = ["--pipeline", "1" if answer else "100", "--duration", "100000", "--timeout", "600"]
    process = bench.start("load", peer.address, *options)
    started.set()
    bench.wait(process, (130,))


@case("transfer")
def transfer(bench, total):
    folder = os.path.join(bench.folder, "received")
    os.mkdir(folder)
    receiver, port = bench.server("transfer", "receive", folder, "127.0.0.1:0", "--once")
    bench.wait(bench.start("transfer", "send", bench.sparse(total), f"127.0.0.1:{port}"))
    bench.wait(receiver)
    received, = os.listdir(folder)
    assert os.path.getsize(os.path.join(folder, received)) == total
