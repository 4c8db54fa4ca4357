"""A client: commits and reads, through any member, one after the other."""

import json
import random
import threading
import time

import hosts
import pack
from connection import Connection, Unanswered
from history import OK, PUSH, READ, REFUSED, UNKNOWN, Operation
from member import PORT

# Longer than a member waits for a decision, and shorter.
PATIENT, IMPATIENT = 40, 2
CONNECT = 3
# Bytes of the file that makes some commits large: their packs travel ahead of the log's entries.
BALLAST = 40_000
# What the server says when it cannot know whether a commit was made.
MAY_HAVE_BEEN = "may or may not"


class Client(threading.Thread):
    """What it chooses follows from the seed and its number."""

    def __init__(self, number, seed, members, registers, password, history):
        super().__init__(daemon=True)
        self.number, self.members, self.registers = number, members, registers
        self.password, self.history = password, history
        self.chance = random.Random(f"{seed} client {number}")
        self.connections = {}
        self.known = {}
        self.over = threading.Event()
        self.count = 0

    def run(self):
        while not self.over.is_set():
            member, register = self.chance.randrange(self.members), self.chance.choice(self.registers)
            kind = self.chance.choices(["push", "read", "consistent"], [5, 3, 2])[0]
            patience = self.chance.choices([PATIENT, IMPATIENT], [3, 1])[0]
            if kind == "push":
                done = self.push(member, register, patience)
            else:
                done = self.read(member, register, kind == "consistent", patience)
            # Who is refused for a reason that stays tries no faster than a person would.
            time.sleep(self.chance.random() * (0.1 if done else 0.3))

    def push(self, member, register, patience):
        """Commits upon what it has seen last."""
        if register not in self.known and not self.read(member, register, False, patience):
            return False
        _, parent = self.known.pop(register)
        self.count += 1
        ballast = self.chance.randbytes(BALLAST) if self.chance.random() < 0.1 else b""
        commit, packed = pack.commit(parent, f"{self.number} {self.count}", 1_700_000_000 + self.count, ballast)
        op = self._operation(PUSH, register, member)
        op.commit = commit
        try:
            status, _, answer = self._ask(
                op, "POST", f"/config/{register}/git-receive-pack", pack.push(parent, commit, packed),
                {"Content-Type": "application/x-git-receive-pack-request"}, patience)
            op.text = pack.reason(answer) if status == 200 else f"{status} {answer[:300]!r}"
            op.outcome = _outcome(status, op.text)
        except Unanswered as error:
            op.text, op.outcome = str(error), UNKNOWN if error.sent else REFUSED
        self._done(op)
        if op.outcome == OK:
            self.known[register] = (None, commit)
        return op.outcome == OK

    def read(self, member, register, consistent, patience):
        op = self._operation(READ, register, member)
        op.consistent = consistent
        by_file = self.chance.random() < 0.5
        query = "consistent" if consistent else "plain"
        if by_file:
            path = f"/config/{register}/boot/{pack.FILE}?{query}"
        else:
            path = f"/subclusters?name={register}&{query}"
        try:
            status, headers, answer = self._ask(op, "GET", path, patience=patience)
            op.outcome = OK if status == 200 else REFUSED
            if status != 200:
                op.text = f"{status} {answer[:300]!r}"
            elif by_file:
                op.revision = int(headers["X-Config-Revision"])
                op.commit, op.text = headers["X-Config-Commit"], answer.decode()
            else:
                [found] = json.loads(answer)
                if found.get("error"):
                    # That is how one is told of that cannot be read, beside others that can.
                    op.outcome, op.text = REFUSED, found["error"]
                else:
                    op.revision, op.commit = found["revision"], found["commit"]
        except Unanswered as error:
            op.text = str(error)
        self._done(op)
        if op.outcome == OK:
            self.known[register] = (op.revision, op.commit)
        return op.outcome == OK

    def _operation(self, kind, register, member):
        return Operation(kind, register, member, self.number, 0, time.monotonic())

    def _ask(self, op, method, path, body=None, headers=(), patience=None):
        connection = self.connections.get(op.member)
        if connection is None:
            connection = Connection(hosts.client_address(op.member), PORT, self.password, CONNECT)
            self.connections[op.member] = connection
        op.connection = connection.number
        try:
            return connection.ask(method, path, body, headers, patience)
        except Unanswered:
            self.connections.pop(op.member)
            raise

    def _done(self, op):
        op.end = time.monotonic()
        self.history.add(op)


def _outcome(status, text):
    if status == 200 and text is None:
        return OK
    if MAY_HAVE_BEEN in text or text.startswith("no report"):
        return UNKNOWN
    # A definite no is the server's word; what a fault of its own comes to is not.
    return REFUSED if status == 200 or status < 500 else UNKNOWN
