"""What is done to the cluster, and when: all of it follows from the seed."""

import dataclasses
import random

# Who leads is known only when the time has come.
LEADER = "leader"


@dataclasses.dataclass
class Step:
    """Some faults together, for so many seconds, and then so many seconds without."""

    faults: list
    lasts: float
    rests: float

    def __str__(self):
        return f"{', '.join(map(str, self.faults))} for {self.lasts:.1f} s, then nothing for {self.rests:.1f} s"


@dataclasses.dataclass
class Fault:
    """Something that is done to some members."""

    kind: str
    members: list
    number: float = 0

    def __str__(self):
        return f"{self.kind} {' '.join(map(str, self.members))}" + (f" ({self.number:.2f})" if self.number else "")


def plan(seed, members, seconds):
    """Steps for about so many seconds. What must have been tried comes first, in any order."""
    chance = random.Random(f"{seed} plan")
    steps, planned = [], 0
    due = []
    while planned < seconds:
        if not due:
            due = list(_FAULTS)
            chance.shuffle(due)
        count = chance.choice([1, 1, 1, 2, 3])
        faults = [_fault(due.pop(), chance, members)]
        faults += [_fault(chance.choice(_AT_ONCE), chance, members) for _ in range(count - 1)]
        steps.append(Step(faults, chance.uniform(2, 10), chance.choice([0, 1, 3, 5])))
        planned += steps[-1].lasts + steps[-1].rests
    return steps


_FAULTS = [
    "halves", "ring", "deaf", "mute", "alone", "slow", "lossy", "kill", "kill", "kill-all", "pause", "pause",
    "stop", "kill-again", "full", "lost-disk", "old-disk", "damage",
]
# A disk is lost by itself: with another member away, what is lost could be a majority.
_AT_ONCE = [kind for kind in _FAULTS if kind not in ("lost-disk", "old-disk", "damage")]


def _fault(kind, chance, members):
    everyone = list(range(members))
    chance.shuffle(everyone)
    one = chance.choice([everyone[0], LEADER])
    if kind in ("halves", "ring", "kill-all"):
        return Fault(kind, everyone)
    if kind == "slow":
        return Fault(kind, chance.choice([[one], everyone]), chance.choice([0.02, 0.1, 0.4, 1.0]))
    if kind == "lossy":
        return Fault(kind, chance.choice([[one], everyone]), chance.choice([0.05, 0.2]))
    if kind in ("kill", "pause", "full") and chance.random() < 0.3:
        return Fault(kind, everyone[:(members + 1) // 2])
    if kind == "kill-again":
        return Fault(kind, [one], chance.uniform(0.05, 1.5))
    if kind == "lost-disk":
        return Fault(kind, [one], chance.choice([0, chance.uniform(0.3, 4)]))
    if kind == "old-disk":
        return Fault(kind, [one], chance.uniform(0.5, 5))
    if kind == "damage":
        return Fault(kind, [one], chance.random())
    return Fault(kind, [one])
