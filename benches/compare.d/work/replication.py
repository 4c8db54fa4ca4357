"""Three servers that replicate to each other: what a commit takes, what losing the leader costs."""

import statistics
import time

import prepared
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
    memory = max(member.process.memory() for member in cluster.members) / 1e6
    works = {
        "three": lambda: _commits(bench, cluster, leader),
        "one": lambda: _commits(bench, cluster, alone),
        "etcd": lambda: _median(bench.load.run(others[0], bench.scale.commits, "puts-to-etcd", BYTES)),
        "curl to three": lambda: _by_curl(bench, cluster, leader),
        "curl to one": lambda: _by_curl(bench, cluster, alone),
        "etcdctl": lambda: _by_etcdctl(bench, others[0]),
    }
    results = in_turns(bench.scale.rounds, {name: _at_rest(servers, work) for name, work in works.items()})
    took = {name: statistics.median(turns) for name, turns in results.items()}
    details = {"turns": results}
    lost = _lost_leader(bench, cluster, leader)
    for server in servers:
        bench.stop(server)
    return [
        _beside("commit, one server", took["one"], "etcd of three", took["etcd"], details),
        _beside("commit, three servers", took["three"], "etcd of three", took["etcd"], details),
        _beside("commit by curl, one server", took["curl to one"], "etcdctl put, three", took["etcdctl"], details),
        _beside("commit by curl, three servers", took["curl to three"], "etcdctl put, three", took["etcdctl"], details),
        Line("leader lost -> next commit acknowledged", "s", lost, at_most=3),
        Line("memory of a member that has nothing to do", "MB", memory, at_most=GOAL_MB),
    ]


def _at_rest(servers, work):
    """What others do in the background after their turn is no part of it."""
    def begin():
        for server in servers:
            server.process.rest()
        return work()
    return begin


def _beside(work, ours, against, theirs, details):
    return Line(work, "ms", ours, against, theirs, at_least=0.5, details=details)


def _commits(bench, cluster, server):
    return _median(bench.load.run(server, bench.scale.commits, "commits", cluster.bare_clone(server)))


def _by_curl(bench, cluster, server):
    place, clients = bench.new_place(), cluster.clients_of(server)
    place.mkdir()
    bodies = prepared.pushes(clients, server.clone_url(), place, bench.scale.commits)
    return statistics.median(clients.push(server, body) for body in bodies) * 1e3


def _by_etcdctl(bench, member):
    values = (f"{number:0{BYTES}}" for number in range(bench.scale.commits))
    return statistics.median(member.put(bench.clients, value) for value in values) * 1e3


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
