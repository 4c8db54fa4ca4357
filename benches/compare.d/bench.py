"""All servers and clients of one comparison."""

import shutil
import tempfile
from pathlib import Path

import histories
from clients import Clients
from load import Load
from peers.apache import HttpBackend, Svn
from peers.ecconfigd import Ecconfigd
from peers.nginx import Nginx


class Bench:
    """Servers keep their files on the disk; clients keep theirs in memory where that can be had, for
    a disk that has to make many thousands of files measures nothing but itself."""

    def __init__(self, scale, programs, load):
        self.scale = scale
        self.programs = programs
        self.load = Load(load)
        self.place = Path(tempfile.mkdtemp(prefix="compare-"))
        self.place.chmod(0o755)
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.client_place = Path(tempfile.mkdtemp(prefix="compare-", dir=memory))
        self.servers = []
        self._count = 0

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.process.stop()
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.client_place, ignore_errors=True)

    def _start(self):
        self.history = self.place / "history"
        histories.git(self.history, self.scale)
        self.ours = self.add(Ecconfigd(self.place, self.programs, self.history))
        certificates = self.ours.certificates
        self.svn = self.add(Svn(self.place, certificates, self.scale, self.client_place))
        self.backend = self.add(HttpBackend(self.place, certificates, self.history))
        self.nginx = self.add(Nginx(self.place, certificates, self.scale))
        self.clients = Clients(self.client_place, certificates / "server.crt")
        self.head = self.clients.id("boot", self.history)
        self.head_before = self.clients.id("boot~1", self.history)
        self.ours.process.rest()

    def add(self, server):
        """To be stopped at the end."""
        self.servers.append(server)
        return server

    def stop(self, server):
        self.servers.remove(server)
        server.process.stop()

    def new_place(self):
        """A client's directory that does not exist yet."""
        self._count += 1
        return self.client_place / f"client{self._count}"

    def bare_clone(self, server):
        """Something to commit from."""
        clone = self.new_place()
        self.clients.git("clone", "--quiet", "--bare", server.clone_url(), clone)
        return clone
