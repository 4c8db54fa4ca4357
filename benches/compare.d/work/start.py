"""From exec to the moment when the server says that it serves (sd_notify(3))."""

import os
import shutil
import socket
import statistics
import time
from dataclasses import replace

import histories
from peers.ecconfigd import Ecconfigd
from process import Process
from table import Line


def measure(bench):
    scale = bench.scale
    place = bench.place / "start"
    place.mkdir()
    long = replace(scale, directories=1, subdirectories=1, files=50, revisions=scale.long_history)
    histories.git(place / "history", long)
    server = bench.add(Ecconfigd(place, bench.programs, place / "history"))
    bench.stop(server)
    for number in range(1, scale.subclusters):
        shutil.copytree(place / "history", server.repository.with_name(f"subcluster{number}"))
    first = _start(server)
    times = [_start(server) for _ in range(scale.starts)]
    work = f"exec to READY=1, {scale.subclusters} subclusters of {scale.long_history:,} revisions"
    return [Line(work, "ms", statistics.median(times), at_most=50, details={"first": first, "times": times})]


def _start(server):
    """In milliseconds. It is stopped when it has nothing to do any more."""
    path = server.place / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
        began = time.monotonic()
        process = Process(server.command(), server.place / "log", env=environment)
        try:
            while b"READY=1" not in notify.recv(4096).split(b"\n"):
                pass
            took = (time.monotonic() - began) * 1e3
            process.rest()
        finally:
            process.stop()
    return took
