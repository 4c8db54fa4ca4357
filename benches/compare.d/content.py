"""The configuration that every server is loaded with: the same from each run, as from one seed."""

import random

BIG = "default/big.conf"
"""A file of exactly 2 kB, which nobody changes."""


def revisions(scale, seed=1):
    """Yields the changes of each revision, as {path: content}. The first one has all files, the last
    one changes one."""
    chance = random.Random(seed)
    files = {BIG: _big(chance)}
    for number in range(scale.directories * scale.subdirectories * scale.files):
        above, subdirectory = divmod(number // scale.files, scale.subdirectories)
        files[f"node{above:02}/part{subdirectory}/file{number:04}.conf"] = _file(chance, number)
    yield dict(files)
    paths = [path for path in files if path != BIG]
    for number in range(2, scale.revisions + 1):
        count = 1 if number == scale.revisions else chance.randint(1, 5)
        changed = {path: _edit(chance, files[path]) for path in chance.sample(paths, count)}
        files.update(changed)
        yield changed


def _line(chance, name):
    return f"option_{name} = {chance.getrandbits(128):032x}\n"


def _file(chance, number):
    return "".join(_line(chance, f"{number:04}_{line:02}") for line in range(19)).encode()


def _edit(chance, content):
    lines = content.decode().splitlines(keepends=True)
    line = chance.randrange(len(lines))
    name = lines[line].split()[0].removeprefix("option_")
    lines[line] = _line(chance, name)
    return "".join(lines).encode()


def _big(chance):
    text = "".join(_line(chance, f"big_{line:02}") for line in range(50))
    return (text[:2047] + "\n").encode()
