"""What clients have asked and been told."""

import dataclasses
import json
import threading

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
PUSH, READ = "push", "read"


@dataclasses.dataclass
class Operation:
    """A question, and what came of it. Times are of one clock, in seconds."""

    kind: str
    register: str
    member: int
    client: int
    connection: int
    start: float
    end: float = 0
    outcome: str = UNKNOWN
    consistent: bool = False
    revision: int = 0
    commit: str = ""
    text: str = ""


class History:
    """All operations, in the order in which they ended."""

    def __init__(self):
        self._lock = threading.Lock()
        self.operations = []

    def add(self, operation):
        with self._lock:
            self.operations.append(operation)

    def of(self, kind, outcome=None):
        return [op for op in self.operations if op.kind == kind and outcome in (None, op.outcome)]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for operation in self.operations:
                file.write(json.dumps(dataclasses.asdict(operation)) + "\n")
