#!/usr/bin/env python3
"""The other end of a connection over TLS, of one behind a PROXY header, and of one over a Unix socket.

    peer.py ask [OPTIONS] -- REQUEST...    sends requests as jsonframe_peer.py has them
    peer.py hello                         shows a first flight of TLS, in hexadecimal
    peer.py start PATH PROGRAM...          starts a program with sockets, as systemd does

`ask` prints a line of JSON for each thing that happens: "tls", "reply", and "end" or "failed" at last.
"""

import argparse
import fcntl
import ipaddress
import json
import os
import pathlib
import socket
import ssl
import struct
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "protocol/tests/peer"))
import jsonframe_peer  # noqa: E402

PATIENCE = 60


def say(what, **more):
    print(json.dumps({"what": what, **more}, ensure_ascii=False), flush=True)


def proxy_header(version, client, command=1):
    """What a proxy says of a client, to a server on port 65432 of the same address."""
    address, _, port = client.rpartition(":")
    ip, port = ipaddress.ip_address(address.strip("[]")), int(port)
    if version == 1:
        return f"PROXY TCP{ip.version} {ip} {ip} {port} 65432\r\n".encode()
    addresses = ip.packed + ip.packed + struct.pack(">HH", port, 65432)
    # One field more, of a type for experiments, to be skipped.
    addresses += struct.pack(">BH", 0xE0, 3) + b"TLV"
    family = 0x11 if ip.version == 4 else 0x21
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", 0x20 | command, family, len(addresses)) + addresses


def context(args):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.load_verify_locations(args.ca)
    if args.cert:
        result.load_cert_chain(args.cert, args.key)
    if args.alpn:
        result.set_alpn_protocols(args.alpn.split(","))
    if args.tls:
        # Systems forbid old versions by default, and Python says that they are old.
        warnings.simplefilter("ignore", DeprecationWarning)
        result.set_ciphers("ALL:@SECLEVEL=0")
        result.minimum_version = result.maximum_version = ssl.TLSVersion[args.tls]
    return result


def wait_until_refused(args):
    """Until nobody listens any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((args.host, args.port), PATIENCE).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass
        time.sleep(0.01)


def converse(sock, args):
    for request in args.requests:
        data = jsonframe_peer.build_request(request)
        if args.half:
            jsonframe_peer.send(sock, data[: len(data) // 2])
            data = data[len(data) // 2 :]
            say("half")
            wait_until_refused(args)
        jsonframe_peer.send(sock, data[: args.cut], args.split)
    if args.cut is not None:
        return
    replies = jsonframe_peer.receive(sock)
    for _ in args.requests:
        header, content = next(replies)
        is_json = header["content_type"] == "text/json"
        say("reply", content=json.loads(content) if is_json else content.hex())
    if args.to_the_end and next(replies, None) is not None:
        raise ValueError("a reply too many")


def ask(args):
    tls = context(args) if args.ca else None
    session = None
    for _ in range(args.times):
        if args.unix:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE)
            sock.connect(args.unix)
        else:
            sock = socket.create_connection((args.host, args.port), PATIENCE)
        with sock:
            try:
                if args.proxy:
                    version, client, *command = args.proxy
                    sock.sendall(proxy_header(int(version), client, *map(int, command)))
                if tls:
                    # An end without close_notify is an error.
                    name = {"server_hostname": args.name, "session": session, "suppress_ragged_eofs": False}
                    sock = tls.wrap_socket(sock, **name)
                    say("tls", version=sock.version(), alpn=sock.selected_alpn_protocol(), reused=sock.session_reused)
                converse(sock, args)
                if tls and not args.abrupt:
                    session = sock.session
                    # Says that it is the end, and waits until the server says so.
                    sock = sock.unwrap()
                else:
                    # What follows is read without TLS, if there was any.
                    sock.shutdown(socket.SHUT_WR)
                while rest := sock.recv(65536):
                    if not tls:
                        raise ValueError(f"more than was awaited: {rest}")
                say("end")
            except TimeoutError:
                raise  # Nothing may take as long, whatever else was to be expected.
            except ssl.SSLError as error:
                say("failed", why=(error.reason or str(error)).replace("_", " ").lower())
            except (OSError, jsonframe_peer.Fault, StopIteration, ValueError) as error:
                say("failed", why=f"{type(error).__name__}: {error}")
            sock.close()


def hello(_args):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    try:
        tls.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        print(outgoing.read().hex())


def start(args):
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(args.path)
    unix.listen()
    # Out of the way of the numbers that they are to have.
    for number, sock in enumerate([fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 10) for sock in (tcp, unix)], 3):
        os.dup2(sock, number)
    os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
    os.execv(args.program[0], args.program)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("ask")
    command.set_defaults(run=ask)
    command.add_argument("--unix")
    command.add_argument("--proxy", nargs="+", help="VERSION ADDRESS:PORT [COMMAND], before all else")
    command.add_argument("--ca", help="speak TLS")
    command.add_argument("--cert")
    command.add_argument("--key")
    command.add_argument("--name", default="localhost")
    command.add_argument("--alpn", default="jsonframe")
    command.add_argument("--tls", help="this version alone, as ssl.TLSVersion calls it")
    command.add_argument("--times", type=int, default=1, help="that many connections, with the session of the one before")
    command.add_argument("--split", type=int, default=0)
    command.add_argument("--half", action="store_true", help="send half of a request, and the rest when nobody listens")
    command.add_argument("--cut", type=int, help="send this much of each request, and then no more")
    command.add_argument("--abrupt", action="store_true", help="end the stream without a close_notify")
    command.add_argument("--to-the-end", action="store_true", help="wait until the server ends")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int)
    command.add_argument("requests", nargs="*")
    commands.add_parser("hello").set_defaults(run=hello)
    command = commands.add_parser("start")
    command.set_defaults(run=start)
    command.add_argument("path")
    command.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
