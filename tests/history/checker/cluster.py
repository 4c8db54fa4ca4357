"""The cluster: made, asked, and waited for."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import hosts
from connection import Connection, Unanswered
from member import PORT, Member

PATIENCE = 120


class Cluster:
    """The members, and the wire between them."""

    def __init__(self, count, binaries, directory, seed):
        self.wire = hosts.make(count, seed)
        self.members = [Member(number, binaries, directory) for number in range(count)]
        self.directory = directory
        self.password = ""
        # What has gone wrong that no client was told of.
        self.wrong = []

    def make(self, registers):
        """Starts the servers, makes them one cluster, and the subclusters in it."""
        for member in self.members:
            member.start()
        for member in self.members:
            member.wait()
        first = self.members[0]
        self.password = first.password()
        self._list()
        for member in self.members[1:]:
            member.join(first, self.password)
            member.stop()
            member.start()
            member.wait()
        self.wait_for_members()
        for register in registers:
            if register != "default":
                self.ask(0, "PUT", f"/subclusters/{register}")

    def _list(self):
        """Puts the members into global/msgc_server.conf."""
        url = f"https://admin:{self.password}@{hosts.client_address(0)}:{PORT}/config/global"
        clone = self.directory / "global"
        lines = "".join(f'{m.name} = "{hosts.address(m.number)}:{PORT}"\n' for m in self.members)

        def git(*words):
            options = ["-c", "http.sslVerify=false", "-c", "user.name=history", "-c", "user.email=history@localhost"]
            subprocess.run(["git", *options, *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)

        git("clone", "--quiet", "--branch", "boot", url, clone)
        (clone / "msgc_server.conf").write_text(f"msgc_server {{\npeers = [\n{lines}]\n}}\n")
        git("-C", clone, "add", "--all")
        git("-C", clone, "commit", "--quiet", "-m", "who the members are")
        git("-C", clone, "push", "--quiet", "origin", "HEAD:boot")

    def ask(self, number, method, path, patience=20):
        """A short question, on a connection of its own."""
        connection = Connection(hosts.client_address(number), PORT, self.password, 3)
        try:
            status, _, content = connection.ask(method, path, patience=patience)
            return status, content
        finally:
            connection.close()

    def roles(self, number):
        """{name: role} of all members, as this one sees them; nothing if it does not say."""
        try:
            status, content = self.ask(number, "GET", "/members", 3)
        except Unanswered:
            return {}
        if status != 200:
            return {}
        return {member["name"]: member["role"] for member in json.loads(content)["members"]}

    def wait_for_members(self, patience=PATIENCE):
        """Until all of them see all of them, all vote that can, none lacks anything, and one leads."""
        end = time.monotonic() + patience
        seen = {}
        while time.monotonic() < end:
            seen = {member.name: self.roles(member.number) for member in self.members}
            filled = not any(member.may_lack_something() for member in self.members)
            if filled and all(self._whole(roles) for roles in seen.values()):
                return
            time.sleep(0.5)
        raise RuntimeError(f"the members are not together again within {patience} s: {seen}")

    def _whole(self, roles):
        ranks = list(roles.values())
        return set(roles) == {member.name for member in self.members} \
            and ranks.count("leader") == 1 and "learner" not in ranks

    def leader(self):
        """The number of the member that most of them take for the leader."""
        running = [m.number for m in self.members if m.runs() and not m.paused]
        with ThreadPoolExecutor() as pool:
            said = [[n for n, role in roles.items() if role == "leader"] for roles in pool.map(self.roles, running)]
        names = [name for named in said for name in named]
        return int(max(names, key=names.count)[1:]) if names else None

    def heal(self):
        """Ends all faults."""
        self.wire.set({})
        for member in self.members:
            member.resume()
            member.make_room()
            if member.has_ended():
                self.wrong.append(f"{member.name} has ended by itself: {member.last_words()}")
            if not member.runs():
                member.start()
