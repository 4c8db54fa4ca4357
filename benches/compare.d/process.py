"""A server's processes: started, watched, and ended by their ids."""

import os
import signal
import subprocess
import time
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


class Process:
    """A server in the foreground, with all that it starts."""

    def __init__(self, command, log, waits_for_children=True, **options):
        """A server that does not wait for its children has no part of their processor time."""
        self.log = log
        self.waits_for_children = waits_for_children
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)

    def tree(self):
        """The ids of all its processes."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (fields := _stat(entry)):
                parents[int(entry)] = int(fields[1])
        found = [self.child.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def cpu(self):
        """Seconds of processor time that its processes have had so far, the ended ones included."""
        stats = filter(None, map(_stat, self.tree()))
        return sum(sum(map(int, fields[11:15])) for fields in stats) * TICK

    def cpu_since(self, before, count=1):
        """Milliseconds for each of so many; None if they cannot be known."""
        return (self.cpu() - before) * 1e3 / count if self.waits_for_children else None

    def memory(self, kind="VmRSS"):
        """Bytes resident, of all its processes; with VmHWM, the most since `forget_peak`."""
        return sum(_status(pid, kind) for pid in self.tree())

    def forget_peak(self):
        Path(f"/proc/{self.child.pid}/clear_refs").write_text("5")

    def rest(self, seconds=0.5, patience=60):
        """Waits until it has nothing to do: what it does in the background is no part of the next
        measurement."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            before = self.cpu()
            time.sleep(seconds)
            if self.cpu() - before <= 2 * TICK:
                return

    def check(self):
        if self.child.poll() is not None:
            text = Path(self.log).read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.child.args[0]} has ended: {text}")

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def _stat(pid):
    """The fields of proc_pid_stat(5) from the third one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _status(pid, kind):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:"))
