"""Runs a check. `tests/history/run` has made the namespaces that it runs in."""

import argparse
import collections
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import check
import plan
from client import Client
from cluster import Cluster
from connection import Unanswered
from history import OK, PUSH, READ, REFUSED, UNKNOWN, History
from nemesis import Nemesis

REGISTERS = ["default", "west"]
CLIENTS = 8
# Commits must be taken again within this time after the last fault.
RECOVERY = 30
# A question that was asked then has ended by this time.
ENDING = 60


def main():
    parser = argparse.ArgumentParser(prog="tests/history/run")
    parser.add_argument("--members", type=int, choices=(3, 5), default=3)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--binaries", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"tests/history/run --members {args.members} --seconds {args.seconds} --seed {args.seed}", flush=True)
    history = History()
    try:
        wrong = _run(args, history)
    except Exception:
        wrong = [traceback.format_exc()]
    history.write(args.kept / "history.jsonl")
    for sentence in wrong[:20]:
        print(f"WRONG: {sentence}")
    if wrong:
        print(f"{len(wrong)} wrong, seed {args.seed}, {args.members} members: logs and history are in {args.kept}")
    return bool(wrong)


def _run(args, history):
    cluster = Cluster(args.members, args.binaries.resolve(), args.kept, args.seed)
    cluster.make(REGISTERS)
    clients = [
        Client(number, args.seed, args.members, REGISTERS, cluster.password, history) for number in range(CLIENTS)]
    began = time.monotonic()

    def tell(text):
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    tell(f"{args.members} members are there")
    for client in clients:
        client.start()
    nemesis = Nemesis(cluster, plan.plan(args.seed, args.members, args.seconds), tell)
    wrong = cluster.wrong
    try:
        nemesis.run(args.seconds)
    except RuntimeError as error:
        wrong.append(str(error))
    cluster.heal()
    healed = time.monotonic()
    tell("all is well again")
    wrong += _recovered(cluster, history, healed, tell)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(ENDING)
        if client.is_alive():
            wrong.append(f"client {client.number} has no answer for {ENDING} s")
    try:
        cluster.wait_for_members()
        wrong += _caught_up(cluster)
    except (RuntimeError, Unanswered) as error:
        wrong.append(str(error))
    for member in cluster.members:
        member.stop()
    tell(_summary(history, began))
    histories, broken = check.final_histories(cluster.members, [*REGISTERS, "global"])
    wrong += broken + check.logs(cluster.members) + check.monotonic(history) + check.reads(history, histories)
    wrong += check.contents(history, cluster.members[0], REGISTERS)
    wrong += check.commits(history, histories) + check.linearizable(history, histories)
    if wrong:
        for member in cluster.members:
            member.keep(args.kept)
    return wrong


def _recovered(cluster, history, healed, tell):
    """Waits until each member has taken a commit."""
    waiting = {member.number for member in cluster.members}
    while waiting and time.monotonic() < healed + RECOVERY:
        time.sleep(0.2)
        taken = [op for op in history.of(PUSH, OK) if op.start > healed]
        waiting -= {op.member for op in taken}
    ends = [op.end for op in history.of(PUSH, OK) if op.start > healed]
    if ends:
        tell(f"the first commit after that was taken within {min(ends) - healed:.1f} s")
    return [f"no commit was taken through m{number} within {RECOVERY} s after the last fault" for number in waiting]


def _caught_up(cluster):
    """Each member has all that was acknowledged, before it is looked into."""
    wrong = []
    for member in cluster.members:
        status, content = cluster.ask(member.number, "GET", "/subclusters?consistent")
        if status != 200:
            wrong.append(f"{member.name} does not catch up: {status} {content!r}")
    return wrong


def _summary(history, began):
    counts = collections.Counter((op.kind, op.outcome) for op in history.operations)
    consistent = sum(op.consistent for op in history.of(READ, OK))
    ends = [began, *sorted(op.end for op in history.of(PUSH, OK))]
    longest = max((b - a for a, b in zip(ends, ends[1:])), default=0)
    return (f"{len(history.operations)} operations: commits {counts[PUSH, OK]} acknowledged, "
            f"{counts[PUSH, REFUSED]} refused, {counts[PUSH, UNKNOWN]} unknown; reads {counts[READ, OK]} "
            f"answered ({consistent} consistent), {counts[READ, REFUSED] + counts[READ, UNKNOWN]} not; "
            f"longest time without a commit {longest:.1f} s")


sys.exit(main())
