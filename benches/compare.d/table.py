"""What was measured, as one table for people and one file for programs."""

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Line:
    """One work against one opponent, or against a limit."""

    work: str
    unit: str
    ours: float | None = None
    against: str = ""
    theirs: float | None = None
    at_least: float | None = None
    """How many times better than theirs."""
    at_most: float | None = None
    """In the unit."""
    more_is_better: bool = False
    note: str = ""
    """Why it was not measured."""
    failed: bool = False
    details: dict = field(default_factory=dict)

    @property
    def ratio(self):
        """None too where one of them is less than the clock can tell."""
        if self.ours is None or self.theirs is None or min(self.ours, self.theirs) <= 0:
            return None
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours

    @property
    def reached(self):
        """None if it was not measured, or has no goal."""
        if self.ours is None or (self.at_least is not None and self.ratio is None):
            return None
        goals = []
        if self.at_least is not None:
            goals.append(self.ratio >= self.at_least)
        if self.at_most is not None:
            goals.append(self.ours <= self.at_most)
        return all(goals) if goals else None

    def cells(self):
        goals = []
        if self.at_least is not None:
            goals.append(f"{self.at_least:g} x")
        if self.at_most is not None:
            goals.append(f"{self.at_most:g} {self.unit}")
        verdict = {True: "yes", False: "NO", None: "-"}[self.reached]
        theirs = f"{self.against}: {_number(self.theirs)}" if self.theirs is not None else self.against
        ours = self.note if self.ours is None else f"{_number(self.ours)} {self.unit}"
        ratio = f"{self.ratio:.2f}" if self.ratio else "-"
        return [self.work, ours, theirs or "-", ratio, ", ".join(goals) or "-", verdict]


HEAD = ["work", "ours", "theirs", "ratio", "goal", "reached"]


def text(lines):
    """As Markdown, which is readable as it is."""
    rows = [HEAD, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    padded = ["| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths)) + " |" for row in rows]
    padded.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(padded)


def write(path, machine, lines):
    measured = [{**asdict(line), "ratio": line.ratio, "reached": line.reached} for line in lines]
    path.write_text(json.dumps({"machine": machine, "lines": measured}, indent=1) + "\n")


def _number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
