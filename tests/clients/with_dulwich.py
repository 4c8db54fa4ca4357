"""Clones, commits, pushes and deletes with dulwich, and prints the id of the commit.

Usage: with_dulwich.py URL CERTIFICATE

URL is a subcluster's, with name and password in it. CERTIFICATE is the file to verify the server
with.
"""

import io
import os
import sys
import tempfile
from pathlib import Path

from dulwich import porcelain

JANE = b"Jane <jane@example.com>"
TOPIC = "refs/heads/topic/dulwich"


def main(url: str, certificate: str, home: Path) -> None:
    os.environ["HOME"] = str(home)
    (home / ".gitconfig").write_text(f"[http]\n\tsslCAInfo = {certificate}\n")

    first = porcelain.clone(url, home / "first", errstream=io.BytesIO())
    file = home / "first/default/dulwich.conf"
    file.write_text("# dulwich\n")
    porcelain.add(first, [file])
    commit = porcelain.commit(first, b"With dulwich\n", author=JANE, committer=JANE)
    push(first, "refs/heads/boot:refs/heads/boot", f"refs/heads/boot:{TOPIC}")

    second = porcelain.clone(url, home / "second", depth=1, errstream=io.BytesIO())
    assert second.head() == commit
    assert (home / "second/default/dulwich.conf").read_text() == "# dulwich\n"
    assert len(list(second.get_walker())) == 1
    assert porcelain.ls_remote(url).refs[TOPIC.encode()] == commit

    push(first, f":{TOPIC}")
    assert TOPIC.encode() not in porcelain.ls_remote(url).refs
    print(commit.decode())


def push(repository, *refspecs: str) -> None:
    result = porcelain.push(
        repository, "origin", list(refspecs), outstream=io.BytesIO(), errstream=io.BytesIO()
    )
    refused = {name: reason for name, reason in (result.ref_status or {}).items() if reason}
    assert not refused, refused


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(*sys.argv[1:], Path(directory))
