"""The first check-out of a node, by real clients."""

import shutil

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
            used = server.process.cpu() - before
            return {"wall_ms": sum(wall) / count * 1e3, "cpu_ms": used / count * 1e3}
        return clones

    def git(server):
        return lambda place: clients.git("clone", "--quiet", server.clone_url(), place)

    ours, backend, svn = bench.ours, bench.backend, bench.svn
    results = in_turns(scale.rounds, {
        ours.name: turn(ours, scale.clones, git(ours)),
        backend.name: turn(backend, scale.clones, git(backend)),
        svn.name: turn(svn, max(1, scale.clones // 4),
                       lambda place: clients.svn("checkout", f"{svn.url}/boot", place)),
    })

    def line(work, key, against, at_least):
        return Line(work, "ms", median(results[ours.name], key), against.name,
                    median(results[against.name], key), at_least=at_least,
                    details={"ours": results[ours.name], "theirs": results[against.name]})

    return [
        line("git clone, server CPU", "cpu_ms", backend, 5),
        line("git clone, server CPU", "cpu_ms", svn, 50),
        line("git clone, wall", "wall_ms", backend, 1),
    ]
