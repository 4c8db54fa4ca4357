"""A node takes a revision in which one file changed."""

from .requests import compare, pkt, update_report, upload_pack


def measure(bench):
    ours, svn, backend = bench.ours, bench.svn, bench.backend
    newest = bench.scale.revisions
    body = (pkt("command=fetch") + pkt("object-format=sha1") + b"0001" + pkt("thin-pack") + pkt("ofs-delta")
            + pkt("done") + pkt(f"want {bench.head}") + pkt(f"have {bench.head_before}") + b"0000")
    requests = {
        ours: upload_pack(ours, body),
        svn: update_report(svn, newest - 1, newest),
        backend: upload_pack(backend, body),
    }
    requests[ours].check(200, b"PACK")
    requests[svn].check(200, b"<S:txdelta")
    requests[backend].check(200, b"PACK")
    return compare(bench, "update by a 1-file revision", requests, {svn: 1.3, backend: 40})
