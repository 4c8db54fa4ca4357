"""Our own servers, several of them that replicate to each other."""

import json
import os
import subprocess
import time

from clients import Clients
from peers.ecconfigd import Ecconfigd

PATIENCE_S = 60


class Cluster:
    """The first one has a repository before the others join."""

    def __init__(self, bench, place, count):
        self.bench = bench
        self.members = [self._member(place / f"m{number}", number) for number in range(count)]
        first = self.members[0]
        self.clients = self.clients_of(first)
        self._list()
        for member in self.members[1:]:
            self._join(member, first)
        self.wait_for_votes(count)

    def _member(self, place, number):
        place.mkdir(parents=True)
        boot = place / "ecconfigd/opt/msys/ecelerity/etc/cluster.boot"
        boot.parent.mkdir(parents=True)
        boot.write_text(f"cluster_name=default\nnode_name=m{number}\n")
        return Ecconfigd(place, self.bench.programs, None if number else self.bench.history)

    def clients_of(self, server):
        """Those that trust its certificate."""
        return Clients(self.bench.new_place(), server.certificates / "server.crt")

    def bare_clone(self, server):
        """Something to commit from."""
        clone = self.bench.new_place()
        self.clients_of(server).git("clone", "--quiet", "--bare", server.clone_url(), clone)
        return clone

    def _list(self):
        first, clone = self.members[0], self.bench.new_place()
        url = first.clone_url().replace("/default", "/global")
        self.clients.git("clone", "--quiet", url, clone)
        lines = "".join(f'm{number} = "127.0.0.1:{member.port}"\n' for number, member in enumerate(self.members))
        (clone / "msgc_server.conf").write_text(f"msgc_server {{ peers = [\n{lines}] }}\n")
        self.clients.git("add", ".", within=clone)
        self.clients.git("commit", "--quiet", "--message", "who the members are", within=clone)
        self.clients.git("push", "--quiet", within=clone)

    def _join(self, member, first):
        pem = first.certificates / "server.crt"
        shown = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", pem],
                               capture_output=True, text=True, check=True).stdout
        subprocess.run(
            [self.bench.programs / "eccfg", "--root", member.root, "--username", "admin", "join",
             "--fingerprint", "SHA256:" + shown.strip().partition("=")[2], f"127.0.0.1:{first.port}"],
            env={**os.environ, "ECCFG_PASSWORD": first.passwords["admin"]}, check=True,
            stdin=subprocess.DEVNULL, capture_output=True)
        member.process.stop()
        member.start()
        member.account = first.account

    def listed(self, member):
        """What this member says of all."""
        done = subprocess.run(
            ["curl", "--silent", "--cacert", member.certificates / "server.crt", "--user", member.account,
             f"https://localhost:{member.port}/members"], capture_output=True, text=True)
        return json.loads(done.stdout)["members"] if done.stdout.startswith("{") else []

    def wait_for_votes(self, count):
        end = time.monotonic() + PATIENCE_S
        while sum(member["role"] in ("leader", "follower") for member in self.listed(self.members[0])) < count:
            if time.monotonic() > end:
                raise RuntimeError(f"{count} members never voted")
            time.sleep(0.1)

    def leader(self):
        for member in self.members:
            for told in self.listed(member):
                if told["role"] == "leader":
                    return next(m for m in self.members if told["address"].endswith(f":{m.port}"))
        return None
