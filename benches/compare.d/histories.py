"""The content as a history of git and of Subversion."""

import shutil
import subprocess
from pathlib import Path

import content

BEGIN = 1_700_000_000


def git(repository, scale, branch="boot"):
    """Makes a bare repository of it, packed as `git gc` packs."""
    subprocess.run(["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", repository], check=True)
    stream = b"".join(_git_stream(scale, branch))
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], input=stream, check=True)
    subprocess.run(["git", "-C", repository, "gc", "--quiet"], check=True)


def _git_stream(scale, branch):
    for number, changed in enumerate(content.revisions(scale), 1):
        message = f"Revision {number}".encode()
        yield f"commit refs/heads/{branch}\nmark :{number}\n".encode()
        yield f"committer bench <bench@localhost> {BEGIN + 60 * number} +0000\n".encode()
        yield b"data %d\n%s\n" % (len(message), message)
        for path, data in changed.items():
            yield f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


def svn(repository, scale, scratch, branch="boot"):
    """Makes a repository of it, with a revision for each of git's. First in `scratch`, which should
    be in memory: each revision waits for a disk many times."""
    made = Path(scratch, "svn")
    subprocess.run(["svnadmin", "create", made], check=True)
    stream = b"".join(_svn_dump(scale, branch))
    load = ["svnadmin", "load", "--quiet", "--no-flush-to-disk", "--memory-cache-size=64", made]
    subprocess.run(load, input=stream, check=True)
    subprocess.run(["svnadmin", "pack", "--quiet", made], check=True)
    shutil.move(made, repository)


def _svn_dump(scale, branch):
    yield b"SVN-fs-dump-format-version: 2\n\n"
    known = set()
    for number, changed in enumerate(content.revisions(scale), 1):
        properties = b"K 7\nsvn:log\nV 8\nRevision\nPROPS-END\n"
        yield b"Revision-number: %d\nProp-content-length: %d\nContent-length: %d\n\n%s\n" % (
            number, len(properties), len(properties), properties)
        for path, data in changed.items():
            path = f"{branch}/{path}"
            for above in reversed(Path(path).parents[:-1]):
                if above not in known:
                    known.add(above)
                    yield f"Node-path: {above}\nNode-kind: dir\nNode-action: add\n\n\n".encode()
            action = "change" if path in known else "add"
            known.add(path)
            yield f"Node-path: {path}\nNode-kind: file\nNode-action: {action}\n".encode()
            yield b"Text-content-length: %d\nContent-length: %d\n\n%s\n\n" % (len(data), len(data), data)


def tree(directory, scale):
    """Writes the files of the newest revision."""
    for changed in content.revisions(scale):
        for path, data in changed.items():
            file = Path(directory, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
