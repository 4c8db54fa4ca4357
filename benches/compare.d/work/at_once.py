"""A fleet that wants the same at the same moment, and a server that has not been asked for it yet."""

from table import Line
from turns import in_turns, median

MB = 1e6


def measure(bench):
    return _fetches(bench, "nodes fetch a new revision at once", 20, knows_the_last=True) + _fetches(
        bench, "fresh clones at once", 5, knows_the_last=False)


def _fetches(bench, work, at_least, knows_the_last):
    count = bench.scale.nodes

    def turn(server):
        clone = bench.bare_clone(server)

        def fetches():
            new = bench.load.run(server, 1, "commits", clone)[0]
            server.process.rest(0.2)
            server.process.forget_peak()
            have = [new["parent"]] if knows_the_last else []
            before = server.process.cpu()
            done = bench.load.run(server, count, "fetch", new["commit"], *have)
            return {
                "last_ms": done["micros"][-1] / 1e3, "middle_ms": done["micros"][count // 2] / 1e3,
                "bytes": done["bytes"], "objects": done["objects"],
                "cpu_ms": server.process.cpu_since(before, count),
                "peak_mb": server.process.memory("VmHWM") / MB,
            }
        return fetches

    ours, backend = bench.ours, bench.backend
    results = in_turns(bench.scale.rounds, {server.name: turn(server) for server in (ours, backend)})
    mine, theirs = results[ours.name], results[backend.name]
    details = {"ours": mine, "theirs": theirs}
    lines = [Line(f"{count} {work}", "ms", median(mine, "last_ms"), backend.name, median(theirs, "last_ms"),
                  at_least=at_least, details=details)]
    if not knows_the_last:
        lines.append(Line(f"{count} {work}, memory", "MB", median(mine, "peak_mb"), at_most=150))
    return lines
