"""Pushes made beforehand, so that sending one is all that is left to do."""

import subprocess


def pushes(clients, url, place, count):
    """Files with the bodies of requests, each of which changes one file of what the one before left."""
    clients.git("clone", "--quiet", url, place / "clone")
    return [_push(clients, place, number) for number in range(count)]


def _push(clients, place, number):
    clone = place / "clone"
    files = sorted(clone.glob("node*/*/*.conf"))
    with open(files[number * 7 % len(files)], "a") as out:
        out.write("# changed\n")
    clients.git("commit", "--quiet", "--all", "--message=Change a file", within=clone)
    old, new = (clients.id(name, clone) for name in ("HEAD~1", "HEAD"))
    pack = subprocess.run(
        ["git", "-C", clone, "pack-objects", "--quiet", "--revs", "--stdout"], input=f"{new}\n^{old}\n".encode(),
        env=clients.environment, capture_output=True, check=True).stdout
    command = f"{old} {new} refs/heads/boot\0report-status".encode()
    body = place / f"{number}.push"
    body.write_bytes(b"%04x%s0000%s" % (len(command) + 4, command, pack))
    return body
