"""Reaching a host by its name.

Neither the look-up of a name nor a connect can be interrupted, so both are done in a thread that
may be abandoned, and that then ends by itself.
"""

from __future__ import annotations

import socket
import threading
import time


class Dialling:
    """Looks a name up, and tries its addresses one after the other until one answers."""

    def __init__(self, host: str, port: int, until: float) -> None:
        """Begin; ``until``, of ``time.monotonic``, is for all addresses together."""
        self._host = host
        self._port = port
        self._until = until
        self._over = threading.Condition()
        self._abandoned = False
        self._socket: socket.socket | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._work, name="dialling", daemon=True).start()

    def wait(self) -> socket.socket:
        """The connected socket. Raises OSError, TimeoutError where it is late or abandoned."""
        with self._over:
            self._over.wait_for(self._is_over, max(0.0, self._until - time.monotonic()))
            if self._error is not None:
                raise self._error
            if self._socket is None or self._abandoned:
                self._leave()
                raise TimeoutError("no connection in time")
            return self._socket

    def abandon(self) -> None:
        """Have ``wait`` fail now; from any thread."""
        with self._over:
            self._leave()

    def _is_over(self) -> bool:
        return self._abandoned or self._socket is not None or self._error is not None

    def _leave(self) -> None:
        self._abandoned = True
        if self._socket is not None:
            self._socket.close()
        self._over.notify_all()

    def _work(self) -> None:
        try:
            dialled = self._dialled()
        except (OSError, UnicodeError) as error:
            with self._over:
                # A name that is none is not found, however Python says it.
                self._error = error if isinstance(error, OSError) else OSError(str(error))
                self._over.notify_all()
            return
        with self._over:
            self._socket = dialled
            if self._abandoned:
                dialled.close()
            self._over.notify_all()

    def _dialled(self) -> socket.socket:
        addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        error = OSError(f"{self._host} has no address")
        for n_left, (family, kind, protocol, _, address) in zip(
            range(len(addresses), 0, -1), addresses, strict=True
        ):
            # A silent one leaves time for the others.
            seconds = (self._until - time.monotonic()) / n_left
            if self._abandoned or seconds <= 0:
                break
            dialled = socket.socket(family, kind, protocol)
            try:
                dialled.settimeout(seconds)
                dialled.connect(address)
            except OSError as failed:
                dialled.close()
                error = failed
            else:
                return dialled
        raise error
