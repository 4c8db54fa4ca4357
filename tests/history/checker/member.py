"""A member: a real server on a host of its own."""

import hashlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
from pathlib import Path

import hosts
from connection import Connection, Unanswered

PORT = 2027
# Seconds that systemd gives a server to stop: it hands over first.
STOPPING = 45
# Each member has a disk of its own, in memory, of which only so much is used as is needed.
ROOM = "16g"
# What a server says of a log that was put back.
_WHOLE = "the cluster's log lacks nothing"
_LACKS = "is a copy of the one that was written|takes part in no election until"
_OF_COPIES = re.compile(f"{_LACKS}|{_WHOLE}")
_COMPLAINT = re.compile(r" (WARN|ERROR) +(.*)")


# What git fsck says of a commit that came after it had read the objects.
_UNSEEN = re.compile(r"error: \S+: invalid (?:reflog entry|sha1 pointer) ([0-9a-f]{40})$")


class Member:
    """A server and its files."""

    def __init__(self, number, binaries, directory):
        self.number, self.name = number, f"m{number}"
        self.binaries, self.root = binaries, Path(directory, f"m{number}")
        self.log = Path(directory, f"m{number}.log")
        self.child = None
        self.paused = False
        etc = self.root / "opt/msys/ecelerity/etc"
        etc.mkdir(parents=True)
        (etc / "cluster.boot").write_text(f"cluster_name=default\nnode_name={self.name}\n")
        self.state.mkdir(parents=True)
        options = f"mode=755,size={ROOM}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.state], check=True)

    @property
    def state(self):
        return self.root / "var/ecconfigd"

    def password(self):
        lines = (self.state / "initial-passwords").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines)["admin"]

    def runs(self):
        return self.child is not None and self.child.poll() is None

    def start(self):
        self.paused = False
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [*hosts.at(self.number), self.binaries / "ecconfigd", "--debug", "--root", self.root,
                 "--listen", f"0.0.0.0:{PORT}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment())

    def wait(self, patience=60):
        """Until it answers."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not self.runs():
                raise RuntimeError(f"{self.name} has ended by itself: {self.last_words()}")
            try:
                connection = Connection(hosts.client_address(self.number), PORT, None, 2)
                connection.ask("GET", "/live")
                connection.close()
                return
            except Unanswered:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not answer within {patience} s: {self.last_words()}")

    def has_ended(self):
        """Whether it has ended by itself."""
        return self.child is not None and self.child.poll() is not None

    def last_words(self):
        return self.log.read_text(errors="replace")[-2000:]

    def said(self):
        """How much it has logged."""
        return self.log.stat().st_size

    def complaints(self, since):
        """The first thing that it has complained of since it had logged so much."""
        with open(self.log, "rb") as log:
            log.seek(since)
            found = _COMPLAINT.search(log.read().decode(errors="replace"))
        return found[2] if found else "it says nothing of that"

    def pack_references(self):
        """As `git gc` does it."""
        for register in self._registers():
            self.git(register, "pack-refs", "--all")

    def wait_until_whole(self, patience):
        """Until git finds nothing wrong in its repositories; returns what it finds if it takes longer."""
        end = time.monotonic() + patience
        while True:
            try:
                for register in self._registers():
                    self._fsck(register)
                    self.git(register, "rev-parse", "--verify", "--quiet", "boot")
                return None
            except RuntimeError as error:
                if time.monotonic() > end:
                    return str(error)
                time.sleep(0.5)

    def _fsck(self, register):
        """git looks at references and their logs last: what was committed while it read the objects is
        none of those that it has seen."""
        try:
            self.git(register, "fsck", "--strict", "--no-dangling")
        except RuntimeError as error:
            lines = str(error).splitlines()
            unseen = [_UNSEEN.search(line) for line in lines]
            if not lines or not all(unseen):
                raise
            for found in unseen:
                self.git(register, "cat-file", "-e", f"{found.group(1)}^{{commit}}")

    def _registers(self):
        return [path.name for path in (self.state / "repo").iterdir() if not path.name.startswith(".")]

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        """As systemd stops it."""
        self.resume()
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            self.child.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            self.child = None
            raise RuntimeError(f"{self.name} does not stop within {STOPPING} s") from None
        self.child = None
        self.paused = False

    def pause(self):
        if self.runs():
            self.child.send_signal(signal.SIGSTOP)
            self.paused = True

    def resume(self):
        if self.runs():
            self.child.send_signal(signal.SIGCONT)
        self.paused = False

    def fill_disk(self):
        """Until there is no room for anything. It cannot be smaller than what has come meanwhile."""
        for _ in range(100):
            disk = os.statvfs(self.state)
            if self._resize((disk.f_blocks - disk.f_bfree) * disk.f_frsize):
                return
        raise RuntimeError(f"the disk of {self.name} cannot be filled")

    def make_room(self):
        self._resize(ROOM)

    def _resize(self, size):
        words = ["mount", "-o", f"remount,size={size}", self.state]
        return subprocess.run(words, capture_output=True).returncode == 0

    def keep(self, directory):
        """Its files outlive it there."""
        shutil.copytree(self.state, directory / f"{self.name}.state", symlinks=True, ignore_dangling_symlinks=True)

    def lose_disk(self):
        """Everything but what an administrator brings back: certificate, accounts, introduction."""
        shutil.rmtree(self.state / "repo")
        for name in ("log", "journal-1", "journal-2"):
            (self.state / "cluster" / name).unlink(missing_ok=True)

    def back_up(self):
        shutil.copytree(self.state, self._backup, symlinks=True)

    def restore(self):
        for path in self.state.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self._backup, self.state, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(self._backup)

    @property
    def _backup(self):
        return self.root / "backup"

    def may_lack_something(self):
        """Whether a backup that was put back has not been filled yet, as its log tells."""
        said = [line for line in self.log.read_text(errors="replace").splitlines() if _OF_COPIES.search(line)]
        return bool(said) and _WHOLE not in said[-1]

    def was_let_in(self):
        """Whether it has been told by another member that it is one."""
        return (self.state / "cluster/introduction").exists()

    def join(self, other, password):
        """As the administrator of this server does it."""
        certificate = other.state / "apache/server.crt"
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        fingerprint = f"SHA256:{hashlib.sha256(der).hexdigest()}"
        subprocess.run(
            [*hosts.at(self.number), self.binaries / "eccfg", "--root", self.root, "--username", "admin",
             "--password", password, "join", "--fingerprint", fingerprint,
             f"{hosts.address(other.number)}:{PORT}"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True, env=_environment())

    def git(self, register, *words):
        """What git says of its repository."""
        repository = self.state / "repo" / register
        done = subprocess.run(["git", "-C", repository, *words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{self.name}: git {words[0]} of {register}: {done.stderr}")
        return done.stdout


def _environment():
    ours = {"GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "EXTRA_ARGS", "NOTIFY_SOCKET"}
    return {name: value for name, value in os.environ.items() if name not in ours}
