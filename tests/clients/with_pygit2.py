"""Clones, commits, pushes and deletes with pygit2, which is libgit2, and prints the commit's id.

Usage: with_pygit2.py URL CERTIFICATE

URL is a subcluster's, with name and password in it. CERTIFICATE is the file to verify the server
with.
"""

import sys
import tempfile
from pathlib import Path

import pygit2

TOPIC = "refs/heads/topic/pygit2"


def main(url: str, certificate: str, directory: Path) -> None:
    pygit2.settings.set_ssl_cert_locations(certificate, None)

    first = pygit2.clone_repository(url, str(directory / "first"))
    (directory / "first/default/pygit2.conf").write_text("# pygit2\n")
    first.index.add("default/pygit2.conf")
    jane = pygit2.Signature("Jane", "jane@example.com")
    tree = first.index.write_tree()
    commit = first.create_commit("HEAD", jane, jane, "With pygit2\n", tree, [first.head.target])
    push(first, "refs/heads/boot:refs/heads/boot", f"refs/heads/boot:{TOPIC}")

    second = pygit2.clone_repository(url, str(directory / "second"), depth=1)
    assert second.head.target == commit
    assert (directory / "second/default/pygit2.conf").read_text() == "# pygit2\n"
    assert len(list(second.walk(commit))) == 1
    assert TOPIC in names(first)

    push(first, f":{TOPIC}")
    assert TOPIC not in names(first)
    print(commit)


class Report(pygit2.RemoteCallbacks):
    def push_update_reference(self, refname, message):
        assert message is None, f"{refname}: {message}"


def push(repository: pygit2.Repository, *refspecs: str) -> None:
    repository.remotes["origin"].push(list(refspecs), callbacks=Report())


def names(repository: pygit2.Repository) -> list[str]:
    return [head.name for head in repository.remotes["origin"].list_heads()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(*sys.argv[1:], Path(temporary))
