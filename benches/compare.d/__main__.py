"""Runs the comparison. `benches/compare` has installed and built what it takes."""

import argparse
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import machine
import table
from bench import Bench
from scale import FULL, SHORT
from work import WORKS


def main():
    parser = argparse.ArgumentParser(prog="benches/compare")
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--load", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS), metavar="WORK")
    args = parser.parse_args()
    # No server outlives an interrupted comparison.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Thousands of connections at both ends.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    described = machine.describe(args.programs)
    began = time.monotonic()
    lines = []
    with Bench(SHORT if args.short else FULL, args.programs.resolve(), args.load.resolve()) as bench:
        _tell("loading the servers", began)
        for name in args.only:
            start = time.monotonic()
            lines += _lines(name, bench)
            _tell(name, start)
    described["seconds"] = round(time.monotonic() - began)
    table.write(args.result.with_suffix(".json"), described, lines)
    text = table.text(lines)
    args.result.with_suffix(".md").write_text(text + "\n")
    print(text)
    return any(line.failed for line in lines)


def _lines(name, bench):
    """What fails keeps nothing else from being measured."""
    try:
        return WORKS[name](bench)
    except Exception as error:
        traceback.print_exc()
        return [table.Line(name, "", note=f"failed: {error}".splitlines()[0][:60], failed=True)]


def _tell(what, start):
    print(f"{what}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


sys.exit(main())
