"""The first check-out of a node, by real clients."""

import shutil

from peers.apache import HttpBackend
from table import Line
from turns import in_turns, median


def measure(bench):
    clients, scale = bench.clients, bench.scale

    def turn(server, count, check_out):
        def clones():
            server.process.rest(0.2)
            before, wall = server.process.cpu(), []
            for _ in range(count):
                place = bench.new_place()
                wall.append(check_out(place))
                shutil.rmtree(place)
            return {"wall_ms": sum(wall) / count * 1e3, "cpu_ms": server.process.cpu_since(before, count)}
        return clones

    def git(server):
        return lambda place: clients.git("clone", "--quiet", server.clone_url(), place)

    ours, backend, svn = bench.ours, bench.backend, bench.svn
    measured = bench.add(HttpBackend(bench.place / "clones", ours.certificates, bench.history, is_measured=True))
    results = in_turns(scale.rounds, {
        ours.name: turn(ours, scale.clones, git(ours)),
        backend.name: turn(backend, scale.clones, git(backend)),
        "measured": turn(measured, scale.clones, git(measured)),
        svn.name: turn(svn, max(1, scale.clones // 4),
                       lambda place: clients.svn("checkout", f"{svn.url}/boot", place)),
    })

    bench.stop(measured)

    def line(work, key, against, turns, at_least):
        mine, theirs = results[ours.name], results[turns]
        return Line(work, "ms", median(mine, key), against.name, median(theirs, key), at_least=at_least,
                    details={"ours": mine, "theirs": theirs})

    return [
        line("git clone, server CPU", "cpu_ms", backend, "measured", 5),
        line("git clone, server CPU", "cpu_ms", svn, svn.name, 50),
        line("git clone, wall", "wall_ms", backend, backend.name, 1),
    ]
