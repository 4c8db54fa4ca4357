"""Somebody commits a change of one file, by a real client, until it is acknowledged."""

import statistics

from table import Line
from turns import in_turns


def measure(bench):
    clients, scale = bench.clients, bench.scale
    ours, backend, svn = bench.ours, bench.backend, bench.svn
    results = in_turns(scale.rounds, {
        ours.name: _git(bench, ours), backend.name: _git(bench, backend), svn.name: _svn(bench)})

    def middle(name):
        return statistics.median(time for turn in results[name] for time in turn["ms"])

    return [
        Line("commit of one file by git push", "ms", middle(ours.name), against.name, middle(against.name),
             at_least=2, details={"ours": results[ours.name], "theirs": results[against.name]})
        for against in (backend, svn)
    ]


def _turn(bench, server, change, commit):
    def commits():
        server.process.rest(0.2)
        before, times = server.process.cpu(), []
        for number in range(bench.scale.commits):
            change(number)
            times.append(commit() * 1e3)
        return {"ms": times, "cpu_ms": server.process.cpu_since(before, len(times))}
    return commits


def _git(bench, server):
    clients, place = bench.clients, bench.new_place()
    clients.git("clone", "--quiet", server.clone_url(), place)

    def change(number):
        _append(_file(place, number))
        clients.git("commit", "--quiet", "--all", "--message=Change a file", within=place)

    return _turn(bench, server, change, lambda: clients.git("push", "--quiet", within=place))


def _svn(bench):
    clients, svn, place = bench.clients, bench.svn, bench.new_place()
    clients.svn("checkout", f"{svn.url}/boot", place)

    def change(number):
        change.file = _file(place, number)
        _append(change.file)

    return _turn(bench, svn, change, lambda: clients.svn("commit", "--message=Change a file", change.file))


def _file(place, number):
    files = sorted(place.glob("node*/*/*.conf"))
    return files[number * 7 % len(files)]


def _append(file):
    with open(file, "a") as out:
        out.write("# changed\n")
