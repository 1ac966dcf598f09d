"""A TCP relay on this machine that can put garbage into what comes back."""

import random
import socket
import threading


class NoisyProxy:
    """Relays connections to a port; leaving the context ends it.

    Args:
        port: Where the server listens, at 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._garbage = threading.Event()
        self._random = random.Random(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def spoil(self) -> None:
        """Replace a stretch of the next data from the server by random bytes."""
        self._garbage.set()

    def __enter__(self) -> "NoisyProxy":
        return self

    def __exit__(self, *reason: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._relay, args=pair, daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, noisy: bool) -> None:
        try:
            while data := source.recv(65536):
                if noisy and self._garbage.is_set() and len(data) > 200:
                    self._garbage.clear()
                    data = data[:100] + self._random.randbytes(len(data) - 100)
                target.sendall(data)
        except OSError:
            pass
        finally:
            # Both directions end together: a half-open connection would look like a stall.
            for one in (source, target):
                one.close()
