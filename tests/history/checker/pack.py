"""A push of one commit, without git: see gitformat-pack(5) and gitprotocol-pack(5)."""

import hashlib
import struct
import zlib

COMMIT, TREE, BLOB = 1, 2, 3
_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}
BRANCH = "refs/heads/boot"
FILE = "value"
# Another file of some commits, which makes them too large for the log.
BALLAST = "ballast"


def commit(parent, content, seconds, ballast=b""):
    """The id of a commit whose tree is one file, or two, and the pack that it comes in."""
    blob = content.encode()
    files = [(BALLAST, ballast)] * bool(ballast) + [(FILE, blob)]
    tree = b"".join(b"100644 %s\0" % name.encode() + bytes.fromhex(_id(BLOB, file)) for name, file in files)
    who = b"history <history@localhost> %d +0000" % seconds
    text = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n" % (
        _id(TREE, tree).encode(), parent.encode(), who, who, blob)
    return _id(COMMIT, text), _pack([(COMMIT, text), (TREE, tree), *((BLOB, file) for _, file in files)])


def push(parent, new, pack):
    """The body of git-receive-pack's request."""
    line = f"{parent} {new} {BRANCH}\0 report-status".encode()
    return b"%04x%s0000" % (len(line) + 4, line) + pack


def reason(answer):
    """What the answer says of the branch: None if it was moved, else why not."""
    lines = list(_lines(answer))
    for line in lines:
        if line == f"ok {BRANCH}":
            return None
        if line.startswith(f"ng {BRANCH} "):
            return line.removeprefix(f"ng {BRANCH} ")
    return f"no report: {lines}"


def _lines(answer):
    while len(answer) >= 4 and answer[:4] != b"0000":
        length = int(answer[:4], 16)
        yield answer[4:length].decode(errors="replace").rstrip("\n")
        answer = answer[length:]


def _id(kind, content):
    return hashlib.sha1(b"%s %d\0" % (_NAMES[kind], len(content)) + content).hexdigest()


def _pack(objects):
    data = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        length = len(content)
        byte, length = kind << 4 | length & 15, length >> 4
        while length:
            data += bytes([byte | 0x80])
            byte, length = length & 0x7F, length >> 7
        data += bytes([byte]) + zlib.compress(content)
    return data + hashlib.sha1(data).digest()
