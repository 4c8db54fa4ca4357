"""A commit, and working copies in which `eccfg watch` brings it: how soon is it in each of them?"""

import os
import subprocess
import time

from load import NOT_THERE
from process import Process
from table import Line
from turns import percentile

LOOK_S = 0.01
PATIENCE_S = 60


def measure(bench):
    count = bench.scale.working_copies
    line = Line(f"commit -> {count} working copies swapped by eccfg watch, p99", "s", against="cron: each 60 s", at_most=2)
    if subprocess.run([bench.programs / "eccfg", "watch", "--help"], capture_output=True).returncode:
        line.note = NOT_THERE
        return [line]
    nodes = [_Node(bench) for _ in range(count)]
    try:
        # Until all have asked.
        time.sleep(3)
        clone = bench.bare_clone(bench.ours)
        times = [took for _ in range(bench.scale.swaps) for took in _swap(bench, nodes, clone)]
    finally:
        for node in nodes:
            node.process.stop()
    line.ours = percentile(times, 99)
    line.details = {"p50": percentile(times, 50), "last": max(times)}
    return [line]


class _Node:
    """A working copy of its own, and the program that watches."""

    def __init__(self, bench):
        self.root = bench.new_place()
        self.conf = self.root / "opt/msys/ecelerity/etc/conf"
        program = [bench.programs / "eccfg", "--root", self.root]
        passwords = bench.ours.passwords
        environment = {**os.environ, "ECCFG_PASSWORD": passwords["admin"]}
        bench.clients.run("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                          bench.ours.certificates / "server.crt")
        fingerprint = "SHA256:" + bench.clients.said.partition("=")[2]
        bootstrap = [*program, "--username", "admin", "--quiet", "bootstrap", "--fingerprint", fingerprint,
                     f"127.0.0.1:{bench.ours.port}"]
        subprocess.run(bootstrap, env=environment, check=True, capture_output=True)
        # It watches as the account of the nodes, which has no terminal to ask for a password.
        subprocess.run([*program, "store-password"], input=passwords["ecuser"], text=True, check=True)
        self.process = Process([*program, "watch"], self.root / "log")


def _swap(bench, nodes, clone):
    """Seconds until each has the new file, from before the commit was sent."""
    began = time.monotonic()
    new = bench.load.run(bench.ours, 1, "commits", clone)[0]
    bench.clients.git("diff", "--name-only", new["parent"], new["commit"], within=clone)
    path = bench.clients.said
    bench.clients.git("cat-file", "-s", f"{new['commit']}:{path}", within=clone)
    size = int(bench.clients.said)
    waiting, times = [node.conf / path for node in nodes], []
    while waiting:
        now = time.monotonic() - began
        for node in nodes:
            node.process.check()
        if now > PATIENCE_S:
            raise RuntimeError(f"{len(waiting)} working copies have not got {path} in {PATIENCE_S} s")
        left = [file for file in waiting if _size(file) != size]
        times += [now] * (len(waiting) - len(left))
        waiting = left
        time.sleep(LOOK_S)
    return times


def _size(file):
    try:
        return os.stat(file).st_size
    except OSError:
        return None
