"""The same work in turns, A B A B, so that what disturbs the machine for a while disturbs all."""

import statistics


def in_turns(rounds, works):
    """Runs each of `works` ({name: function}) once a round. Returns {name: [result of each round]}."""
    results = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            results[name].append(work())
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def percentile(values, percent):
    """The smallest of the values that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
