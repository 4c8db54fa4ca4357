"""Our own client for what is many at once: benches/load."""

import json
import subprocess

NOT_THERE = "not there"


class Load:
    def __init__(self, program):
        self.program = program

    def command(self, server, count, *words):
        command = [self.program, "--certificates", server.certificates, "--url", server.url, "--count", count]
        if account := getattr(server, "account", None):
            command += ["--account", account]
        return [str(word) for word in [*command, *words]]

    def run(self, server, count, *words):
        done = subprocess.run(self.command(server, count, *words), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))} at {server.name}: {done.stderr.strip()}")
        return json.loads(done.stdout.splitlines()[-1])

    def waiting(self, server, count):
        """Nodes that wait as long as the block lasts; yields False if the server knows no waiting."""
        return _Waiting(self.command(server, count, "wait"))


class _Waiting:
    def __init__(self, command):
        self.command = command

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.client = subprocess.Popen(self.command, **pipes)
        return json.loads(self.client.stdout.readline() or "null") == "waiting"

    def __exit__(self, *exception):
        self.client.stdin.close()
        if self.client.wait() and exception == (None, None, None):
            raise RuntimeError("the waiting nodes met with an error")
