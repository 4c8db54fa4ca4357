"""Is there anything new? There is not."""

from wrk import Request

from .requests import compare, pkt, update_report, upload_pack


def measure(bench):
    ours, svn, backend = bench.ours, bench.svn, bench.backend
    url = f"https://localhost:{ours.port}/subclusters?name=default"
    etag = Request(url, account=ours.account).check(200, bench.head.encode())["ETag"]
    question = Request(url, headers={"If-None-Match": etag}, account=ours.account)
    question.check(304)
    newest = bench.scale.revisions
    report = update_report(svn, newest, newest)
    report.check(200, b"</S:update-report>")
    refs = upload_pack(backend, pkt("command=ls-refs") + pkt("object-format=sha1") + b"0001"
                       + pkt("ref-prefix refs/heads/boot") + b"0000")
    refs.check(200, bench.head.encode())
    requests = {ours: question, svn: report, backend: refs}
    return compare(bench, "nothing new?", requests, {svn: 2, backend: 40})
