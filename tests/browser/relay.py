"""A relay between the browser and a server: a network that a test can cut, slow down, or put below a path prefix."""

import queue
import socket
import threading
import time


class Relay:
    """Forwards TCP connections. `freeze` stops forwarding on those that exist, and closes none of them.

    `delay` is the time in seconds that each piece of data takes in each direction.
    `prefix` is removed from the paths of requests, as a proxy with `location /chat/` does.
    """

    def __init__(self, port, delay=0.0, prefix=""):
        self.target, self.delay, self.prefix = port, delay, prefix
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.frozen = set()  # the connections of before the freeze
        self.connections = set()
        self.accepts = True  # whether new connections are forwarded; otherwise they hang
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}{self.prefix}/"

    def freeze(self, new=False):
        """Nothing passes any more on open connections, and with `new`, on new ones either."""
        self.frozen |= self.connections
        self.accepts = not new

    def thaw(self):
        self.accepts = True

    def close(self):
        self.listener.close()
        for connection in list(self.connections):
            for side in connection:
                side.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.accepts:
                self.connections.add((client,))
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            connection = (client, server)
            self.connections.add(connection)
            for source, sink in (connection, connection[::-1]):
                threading.Thread(target=self._pump, args=(connection, source, sink), daemon=True).start()

    def _pump(self, connection, source, sink):
        pieces = queue.Queue()
        threading.Thread(target=self._deliver, args=(connection, pieces, sink), daemon=True).start()
        is_first = source is connection[0]
        try:
            while data := source.recv(65536):
                if connection in self.frozen:
                    continue
                if is_first and self.prefix:
                    data = data.replace(f" {self.prefix}/".encode(), b" /", 1)
                    is_first = False
                pieces.put((time.monotonic() + self.delay, data))
        except OSError:
            pass
        pieces.put((time.monotonic() + self.delay, b""))

    def _deliver(self, connection, pieces, sink):
        """Sends each piece when its time has come; an empty one is the end."""
        try:
            while True:
                due, data = pieces.get()
                time.sleep(max(0, due - time.monotonic()))
                if connection in self.frozen:
                    continue
                if not data:
                    return sink.shutdown(socket.SHUT_WR)
                sink.sendall(data)
        except OSError:
            pass
