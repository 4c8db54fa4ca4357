"""Requests that are asked again and again, and how they become lines of the table."""

from table import Line
from turns import in_turns, median
from wrk import Request, requests_per_second

GIT = {"Git-Protocol": "version=2", "Content-Type": "application/x-git-upload-pack-request"}


def pkt(text):
    return b"%04x%s\n" % (len(text) + 5, text.encode())


def upload_pack(server, body):
    account = getattr(server, "account", "")
    return Request(f"{server.url}/git-upload-pack", "POST", GIT, body, account)


def update_report(svn, begin, target):
    """Subversion's question for an update of the whole directory, with everything in the answer."""
    body = f"""<S:update-report send-all="true" xmlns:S="svn:"><S:src-path>{svn.url}/boot</S:src-path>
<S:target-revision>{target}</S:target-revision><S:depth>unknown</S:depth>
<S:entry rev="{begin}" depth="infinity"></S:entry></S:update-report>"""
    headers = {"Content-Type": "text/xml"}
    return Request(f"{svn.url}/!svn/me", "REPORT", headers, body.encode())


def compare(bench, work, requests, goals):
    """`requests` is {server: request}, ours first; `goals` is {server: times}."""
    def turn(server, request):
        return lambda: requests_per_second(request, bench.scale, bench.place, server)

    results = in_turns(bench.scale.rounds, {
        server.name: turn(server, request) for server, request in requests.items()})
    ours = median(results[bench.ours.name], "per_second")
    return [
        Line(work, "/s", ours, server.name, median(results[server.name], "per_second"),
             at_least=times, more_is_better=True,
             details={"ours": results[bench.ours.name], "theirs": results[server.name]})
        for server, times in goals.items()
    ]
