"""What waiting nodes cost while nothing happens."""

import time

from load import NOT_THERE
from table import Line

GOALS_MB = (60, 400)
LOOK_S = 2


def measure(bench):
    return [_line(bench, count, goal) for count, goal in zip(bench.scale.waiting, GOALS_MB)]


def _line(bench, count, goal):
    """Each with a server that has just been started, for memory that was used once stays."""
    server = bench.ours
    server.process.stop()
    server.start()
    line = Line(f"memory for {count:,} waiting nodes", "MB", at_most=goal)
    with bench.load.waiting(server, count) as is_there:
        if not is_there:
            line.note = NOT_THERE
            return line
        line.ours = server.process.memory() / 1e6
        before = server.process.cpu()
        time.sleep(LOOK_S)
        line.details["cpu_percent_while_waiting"] = (server.process.cpu() - before) / LOOK_S * 100
    return line
