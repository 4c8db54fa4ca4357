"""Three servers that replicate to each other: what a commit takes, what losing the leader costs."""

import statistics
import time

from peers.cluster import Cluster
from peers.ecconfigd import Ecconfigd
from peers.etcd import etcds
from table import Line
from turns import in_turns

MEMBERS = 3
BYTES = 700
"""About what the pack of a commit of one file has."""
GOAL_MB = 60


def measure(bench):
    place = bench.place / "replication"
    cluster = Cluster(bench, place, MEMBERS)
    others = etcds(place, bench.ours.certificates, MEMBERS)
    alone = Ecconfigd(place, bench.programs, bench.history)
    servers = [*cluster.members, *others, alone]
    for server in servers:
        bench.add(server)
    leader = cluster.leader()
    clones = {server: cluster.bare_clone(server) for server in (leader, alone)}
    memory = max(member.process.memory() for member in cluster.members) / 1e6
    results = in_turns(bench.scale.rounds, {
        "three": lambda: _commits(bench, leader, clones[leader]),
        "alone": lambda: _commits(bench, alone, clones[alone]),
        "etcd": lambda: _median(bench.load.run(others[0], bench.scale.commits, "puts-to-etcd", BYTES)),
    })
    three, one, theirs = (statistics.median(results[name]) for name in ("three", "alone", "etcd"))
    details = {"turns": results}
    lost = _lost_leader(bench, cluster, leader)
    for server in servers:
        bench.stop(server)
    return [
        Line("commit, one server", "ms", one, "etcd of three", theirs, at_least=0.5, details=details),
        Line("commit, three servers", "ms", three, "etcd of three", theirs, at_least=0.5, details=details),
        Line("leader lost -> next commit acknowledged", "s", lost, at_most=3),
        Line("memory of a member that has nothing to do", "MB", memory, at_most=GOAL_MB),
    ]


def _commits(bench, server, clone):
    return _median(bench.load.run(server, bench.scale.commits, "commits", clone))


def _median(times):
    return statistics.median(one["micros"] for one in times) / 1e3


def _lost_leader(bench, cluster, leader):
    """From the kill until a commit that was begun right after it is acknowledged by another member."""
    survivor = next(member for member in cluster.members if member is not leader)
    clone = cluster.bare_clone(survivor)
    leader.process.child.kill()
    began = time.monotonic()
    bench.load.run(survivor, 1, "commits", clone)
    return time.monotonic() - began
