"""What it was measured on and with."""

import os
import platform
import re
import subprocess
from pathlib import Path


def describe(programs):
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())[1])
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**20),
        "kernel": platform.release(),
        "programs": {
            "ecconfigd": _version(programs / "ecconfigd", "--version"),
            "git": _version("git", "--version"),
            "apache": _version("apache2", "-v"),
            "svn": _version("svn", "--version", "--quiet"),
            "nginx": _version("nginx", "-v"),
            "etcd": _version("etcd", "--version"),
        },
        "load_before": os.getloadavg()[0],
    }


def _version(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).splitlines()[0]
