"""A commit has been acknowledged: how soon do those who wait for it know?"""

from load import NOT_THERE
from peers.etcd import Etcd
from table import Line
from turns import in_turns, percentile


def measure(bench):
    count, changes = bench.scale.waiting[0], bench.scale.changes
    etcd = bench.add(Etcd(bench.place, bench.ours.certificates))
    clone = bench.bare_clone(bench.ours)
    results = in_turns(bench.scale.rounds, {
        "ours": lambda: bench.load.run(bench.ours, count, "told", clone, changes),
        "etcd": lambda: bench.load.run(etcd, count, "told-by-etcd", changes),
    })
    bench.stop(etcd)
    work = f"commit -> {count:,} waiting nodes told, p99"
    theirs = _percentiles(results["etcd"])
    line = Line(work, "ms", None, etcd.name, theirs["p99"], at_least=1, at_most=100, details={"theirs": theirs})
    if NOT_THERE in results["ours"]:
        line.note = NOT_THERE
    else:
        line.details["ours"] = _percentiles(results["ours"])
        line.ours = line.details["ours"]["p99"]
    return [line]


def _percentiles(turns):
    times = [micros / 1e3 for turn in turns for micros in turn]
    return {f"p{percent}": percentile(times, percent) for percent in (1, 50, 99, 100)}
