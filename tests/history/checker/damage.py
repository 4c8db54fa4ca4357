"""Damage to a file of a member that does not run: as a disk, a file system or somebody does it."""

import random

PAGE = 4096
# What there is in a member's state, by kind.
FILES = {
    "log": "cluster/log",
    "journal": "cluster/journal-[12]",
    "introduction": "cluster/introduction",
    "accounts": "accounts",
    "pack": "repo/*/objects/pack/*.pack",
    "index": "repo/*/objects/pack/*.idx",
    "reference": "repo/*/refs/heads/*",
    "packed references": "repo/*/packed-refs",
    "HEAD": "repo/*/HEAD",
    "configuration": "repo/*/config",
    "segment": "repo/*/ecconfigd-cache/*.segment",
    "revisions": "repo/*/ecconfigd-cache/revisions",
    "inbox": "repo/.inbox/*",
}
_WAYS = ["bit", "bit", "page", "cut", "gone"]


def choose(state, seed):
    """The file and what is done to it, from those that are there: both follow from the seed."""
    chance = random.Random(f"{seed} damage")
    found = {kind: sorted(path for path in state.glob(pattern) if path.is_file()) for kind, pattern in FILES.items()}
    # Each kind has its turn, however few files there are of it.
    kind = chance.choice([kind for kind, paths in found.items() if paths])
    return Damage(kind, chance.choice(found[kind]), chance.choice(_WAYS), chance)


class Damage:
    """One file, and one way."""

    def __init__(self, kind, path, way, chance):
        self.kind, self.path, self.way, self.chance = kind, path, way, chance
        self.place = 0

    def do(self):
        """In its place: a file that is written anew would be known as another one."""
        content = bytearray(self.path.read_bytes())
        if self.way == "gone":
            self.path.unlink()
            return
        if content:
            self.place = self._place(content)
        if self.way == "bit" and content:
            content[self.place] ^= 1 << self.chance.randrange(8)
        elif self.way == "page":
            start = self.place - self.place % PAGE
            end = min(start + PAGE, len(content))
            content[start:end] = bytes(end - start)
        elif self.way == "cut":
            del content[self.place:]
        self.path.chmod(self.path.stat().st_mode | 0o200)
        with open(self.path, "r+b") as file:
            file.write(content)
            file.truncate(len(content))

    def _place(self, content):
        """Where something stands: much of some files is empty."""
        starts = range(0, len(content), PAGE)
        used = [start for start in starts if any(content[start:start + PAGE])] or [0]
        start = self.chance.choice(used)
        return self.chance.randrange(start, min(start + PAGE, len(content)))

    def __str__(self):
        return f"{self.way} of {self.kind} ({self.path.name}, at {self.place})"
