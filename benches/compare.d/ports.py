"""Ports of this machine."""

import socket
import time


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(port, process, patience=20):
    """Until something listens there."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        process.check()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {patience} s")
