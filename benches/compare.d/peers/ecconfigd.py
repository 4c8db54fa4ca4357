"""Our own server, loaded before its first start, which keeps a repository that is there already."""

import shutil

from ports import free_port, wait_for
from process import Process


class Ecconfigd:
    name = "ecconfigd"

    def __init__(self, place, programs, history=None):
        """`history` is a bare repository to begin with."""
        self.place = place
        self.programs = programs
        self.root = place / "ecconfigd"
        self.state = self.root / "var/ecconfigd"
        self.repository = self.state / "repo/default"
        self.certificates = self.state / "apache"
        self.port = free_port()
        self.url = f"https://localhost:{self.port}/config/default"
        if history:
            shutil.copytree(history, self.repository)
        self.start()
        lines = (self.state / "initial-passwords").read_text().splitlines()
        self.passwords = dict(line.split(" ", 1) for line in lines)
        self.account = f"admin:{self.passwords['admin']}"

    def command(self):
        return [self.programs / "ecconfigd", "--root", self.root, "--listen", f"127.0.0.1:{self.port}"]

    def start(self):
        self.process = Process(self.command(), self.place / "ecconfigd.log")
        wait_for(self.port, self.process)

    def clone_url(self):
        return self.url.replace("https://", f"https://{self.account}@")
