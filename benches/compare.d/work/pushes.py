"""Pushes one after the other: the last ones must be as quick as the first."""

import statistics

from peers.ecconfigd import Ecconfigd
from table import Line

SOME = 20
"""So many pushes are the first ones, and the last."""


def measure(bench):
    turns = [_turn(bench, number) for number in range(bench.scale.rounds)]
    first, last, ratio = (statistics.median(turn[key] for turn in turns) for key in ("first", "last", "ratio"))
    return [Line(f"{bench.scale.pushes} pushes in a row, last to first", "x", ratio, at_most=1.2,
                 details={"first_ms": first, "last_ms": last, "turns": turns})]


def _turn(bench, number):
    """On a server of its own, whose repository has seen no push."""
    place = bench.place / f"pushes{number}"
    place.mkdir()
    server = bench.add(Ecconfigd(place, bench.programs, bench.history))
    clone = bench.new_place()
    bench.clients.git("clone", "--quiet", "--bare", bench.history, clone)
    server.process.rest()
    times = [push["micros"] / 1e3 for push in bench.load.run(server, bench.scale.pushes, "commits", clone)]
    bench.stop(server)
    some = min(SOME, len(times) // 2)
    first, last = statistics.median(times[:some]), statistics.median(times[-some:])
    return {"first": first, "last": last, "ratio": last / first, "slowest": max(times)}
