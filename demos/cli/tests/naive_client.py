"""A client that takes what one `recv` brings for the whole answer, as many first clients do, and checks only what breaks it."""

import json
import socket
import ssl
import struct
import sys


def connect(host, port, authority=None):
    """Over TLS, if it is said whom to trust."""
    connection = socket.create_connection((host, int(port)))
    if authority:
        connection = ssl.create_default_context(cafile=authority).wrap_socket(connection, server_hostname="localhost")
    return connection


REQUEST = b'{"action": "search", "value": "needle"}'

header = {
    "byteorder": sys.byteorder,
    "content-type": "text/json",
    "content-encoding": "utf-8",
    "content-length": len(REQUEST),
}
header = json.dumps(header, ensure_ascii=False).encode()

with connect(*sys.argv[1:]) as connection:
    connection.sendall(struct.pack(">H", len(header)) + header + REQUEST)
    answer = connection.recv(4096)

(length,) = struct.unpack(">H", answer[:2])
header = json.loads(answer[2 : 2 + length].decode("utf-8"))
content = answer[2 + length :][: header["content-length"]]
print(json.loads(content.decode(header["content-encoding"]))["result"])
