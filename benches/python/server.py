"""Answers searches as the tutorial's app-server does, for `duel`, on a free port, which the first line says.

One thread waits by `selectors` for all connections. Unlike the tutorial's, it keeps a connection after the first answer.
"""

import json
import selectors
import socket
import struct

selector = selectors.DefaultSelector()


class Connection:
    def __init__(self, sock):
        self.sock, self.received, self.unsent = sock, bytearray(), bytearray()
        self.events = selectors.EVENT_READ
        selector.register(sock, self.events, self.proceed)

    def proceed(self):
        try:
            if self.events == selectors.EVENT_READ:
                data = self.sock.recv(256 * 1024)
                if not data:
                    raise ConnectionError("the client has left")
                self.received += data
                self.answer()
            del self.unsent[: self.sock.send(self.unsent) if self.unsent else 0]
        except BlockingIOError:
            pass
        except (ConnectionError, ValueError, KeyError):
            selector.unregister(self.sock)
            self.sock.close()
            return
        events = selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ
        if events != self.events:
            self.events = events
            selector.modify(self.sock, events, self.proceed)

    def answer(self):
        """Answers all requests that are whole."""
        start = 0
        while len(self.received) >= start + 2:
            (length,) = struct.unpack_from(">H", self.received, start)
            content = start + 2 + length
            if len(self.received) < content:
                break
            header = json.loads(self.received[start + 2 : content])
            end = content + header["content-length"]
            if len(self.received) < end:
                break
            self.unsent += message(search(json.loads(self.received[content:end])))
            start = end
        del self.received[:start]


def search(request):
    if request["action"] == "search":
        return {"result": f'No match for "{request["value"]}".'}
    return {"result": f'Error: invalid action "{request["action"]}".'}


def message(answer):
    content = json.dumps(answer, ensure_ascii=False).encode()
    header = {
        "byteorder": "little",
        "content-type": "text/json",
        "content-encoding": "utf-8",
        "content-length": len(content),
    }
    header = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack(">H", len(header)) + header + content


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)

    def accept():
        sock, _ = listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(sock)

    selector.register(listener, selectors.EVENT_READ, accept)
    while True:
        for key, _ in selector.select():
            key.data()


main()
