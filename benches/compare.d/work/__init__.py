"""What is measured, by name. Each returns the lines of the table."""

from . import at_once, clones, commits, files, memory, pushes, question, replication, start, told, update, watch

WORKS = {
    "question": question.measure,
    "files": files.measure,
    "update": update.measure,
    "clones": clones.measure,
    "at-once": at_once.measure,
    "commits": commits.measure,
    "told": told.measure,
    "watch": watch.measure,
    "memory": memory.measure,
    "start": start.measure,
    "pushes": pushes.measure,
    "replication": replication.measure,
}
