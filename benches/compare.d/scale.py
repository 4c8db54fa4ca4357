"""How much of everything: the figures to be told, or just enough to see that the scripts work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    directories: int = 20
    subdirectories: int = 10
    files: int = 10
    """In each subdirectory."""
    revisions: int = 1000
    rounds: int = 3
    seconds: int = 3
    """How long wrk asks in each turn."""
    connections: int = 32
    clones: int = 10
    """By the real client, in each turn, for the clock of processor time ticks in 10 ms; a quarter of it by svn."""
    nodes: int = 200
    """That fetch at once."""
    commits: int = 15
    """By the real client, in each turn."""
    pushes: int = 300
    waiting: tuple = (1000, 10000)
    changes: int = 5
    """That the waiting are told of, in each turn."""
    working_copies: int = 200
    swaps: int = 3
    subclusters: int = 20
    long_history: int = 10000
    starts: int = 7


FULL = Scale()
SHORT = Scale(
    directories=2, subdirectories=2, files=3, revisions=20, rounds=1, seconds=1, connections=4,
    clones=2, nodes=5, commits=2, pushes=20, waiting=(10, 20), changes=2, working_copies=3, swaps=1,
    subclusters=2, long_history=50, starts=2,
)
