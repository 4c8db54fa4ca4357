"""What must hold: each check returns what is wrong, in sentences."""

import collections

from history import OK, PUSH, READ, REFUSED


def final_histories(members, registers):
    """{register: the commits of `boot`, oldest first}, and what is wrong with the repositories."""
    wrong, histories = [], {}
    for register in registers:
        refs = collections.defaultdict(list)
        for member in members:
            refs[member.git(register, "for-each-ref")].append(member.name)
            try:
                member.git(register, "fsck", "--strict", "--no-dangling")
            except RuntimeError as error:
                wrong.append(str(error))
        if len(refs) > 1:
            wrong.append(f"members differ in {register}: {dict(refs)}")
        for member in members:
            commits = member.git(register, "rev-list", "--first-parent", "--reverse", "boot").split()
            if histories.setdefault(register, commits) != commits:
                wrong.append(f"the history of {register} at {member.name} is another one")
    return histories, wrong


def logs(members):
    """No member has been in a state that should not be."""
    wrong = []
    for member in members:
        lines = member.log.read_text(errors="replace").splitlines()
        wrong += [f"{member.name} has logged: {line}" for line in lines if "panicked at" in line]
    return wrong


def commits(history, histories):
    """What was acknowledged is there, once, and what was refused is not."""
    wrong = []
    for register, final in histories.items():
        if len(set(final)) != len(final):
            wrong.append(f"{register}: a commit is there twice")
    for push in history.of(PUSH):
        there = push.commit in histories[push.register]
        if push.outcome == OK and not there:
            wrong.append(f"LOST: {_told(push)}")
        if push.outcome == REFUSED and there:
            wrong.append(f"refused and there: {_told(push)}")
    return wrong


def reads(history, histories):
    """Every read shows a revision as it is in the end: nobody has seen what came to nothing."""
    wrong = []
    for read in history.of(READ, OK):
        final = histories[read.register]
        if not 1 <= read.revision <= len(final) or final[read.revision - 1] != read.commit:
            wrong.append(f"a read has shown what never was: {_told(read)}")
    return wrong


def contents(history, member, registers):
    """Every file that was served is what its commit has: each is told in the commit's message, too."""
    texts = {}
    for register in registers:
        for line in member.git(register, "log", "--format=%H %s", "boot").splitlines():
            commit, _, texts[commit] = line.partition(" ")
    served = [read for read in history.of(READ, OK) if read.text]
    return [f"wrong bytes were served: {_told(read)}" for read in served if read.text != texts.get(read.commit)]


def monotonic(history):
    """On one connection no read goes back."""
    wrong, newest = [], {}
    for read in sorted(history.of(READ, OK), key=lambda op: op.start):
        key = read.connection, read.register
        before = newest.get(key)
        if before and read.revision < before.revision:
            wrong.append(f"a read went back: {_told(read)} after {_told(before)}")
        newest[key] = read
    return wrong


def linearizable(history, histories):
    """Commits and reads with ?consistent take place between question and answer, one after the
    other: revisions are the order, so what begins after something has ended must not be before it."""
    wrong = []
    for register, final in histories.items():
        place = {commit: number for number, commit in enumerate(final, 1)}
        ops = [op for op in history.operations if op.register == register and op.outcome == OK]
        ops = [op for op in ops if op.kind == PUSH or op.consistent]
        for op in ops:
            op.revision = place.get(op.commit, op.revision)
        ended, newest = collections.deque(sorted(ops, key=lambda op: op.end)), None
        for op in sorted(ops, key=lambda op: op.start):
            while ended and ended[0].end < op.start:
                one = ended.popleft()
                newest = one if newest is None or one.revision > newest.revision else newest
            if newest and op.revision < newest.revision + (op.kind == PUSH):
                wrong.append(f"not linearizable: {_told(op)} began after {_told(newest)} had ended")
    return wrong


def _told(op):
    kind = f"{op.kind}{' consistent' * op.consistent}"
    return (f"{kind} of {op.register} at m{op.member} by client {op.client} on connection {op.connection}, "
            f"{op.start:.3f} to {op.end:.3f}: {op.outcome}, revision {op.revision}, {op.commit[:10]} {op.text}")
