"""A small file, as it is and as it was already."""

from content import BIG
from wrk import Request

from .requests import compare


def measure(bench):
    ours, nginx = bench.ours, bench.nginx
    requests = {
        ours: Request(f"{ours.url}/boot/{BIG}", account=ours.account),
        nginx: Request(f"{nginx.url}/{BIG}"),
    }
    unchanged = {}
    for server, request in requests.items():
        headers = request.check(200, b"option_big_00")
        known = {"If-None-Match": headers["ETag"]}
        unchanged[server] = Request(request.url, headers=known, account=request.account)
        unchanged[server].check(304)
    return (compare(bench, "GET of 2 kB", requests, {nginx: 0.8})
            + compare(bench, "GET of 2 kB, 304", unchanged, {nginx: 0.8}))
