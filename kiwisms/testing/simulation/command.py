"""Run lives, and tell the shortest one that breaks a law."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from math import ceil

from kiwisms.testing.simulation.describe import shorten
from kiwisms.testing.simulation.run import LOT, USUAL, Choice, Outcome, Report, live, simulate
from kiwisms.testing.simulation.scenario import Scenario
from kiwisms.testing.simulation.shrink import shrink


def main(arguments: Sequence[str] | None = None, scenario: Scenario = USUAL) -> int:
    """
    Run the lives that the command line asks for, and say how that went.

    Args:
        arguments: The command line, instead of this program's.
        scenario: What is put to the test.

    Returns:
        The exit code: 1 when a law broke, or no life of many reached a mark.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="of the first life; the next has the next number")
    parser.add_argument("--lives", type=int, default=1000, help="how many")
    asked = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4)) if asked.seed is None else asked.seed
    began = time.perf_counter()
    seeds = range(seed, seed + asked.lives)
    processes = min(os.cpu_count() or 1, ceil(len(seeds) / LOT))
    report = simulate(seeds, scenario, processes=processes)
    _sum_up(report, seed, time.perf_counter() - began)
    for outcome in report.broken:
        _tell(outcome, scenario)
    for mark in report.missing:
        _say(f"No life reached: {mark}")
    return 0 if report.succeeded else 1


def repeat_line(seed: int, scenario: Scenario = USUAL) -> str:
    """Say how to run one life again; a scenario of one's own is in a program of one's own."""
    if scenario == USUAL:
        return f"To repeat it: make simulate SEED={seed} LIVES=1"
    return f"To repeat it, run this again with --seed {seed} --lives 1"


def _sum_up(report: Report, seed: int, seconds: float) -> None:
    for mark, count in report.marks.most_common():
        _say(f"{count:8}  {mark}")
    _say(
        f"{report.lives} lives from SEED={seed}, {report.lives / seconds:.0f} a second, "
        f"{report.steps / report.lives:.0f} steps each, {len(report.broken)} broken"
    )


def _tell(outcome: Outcome, scenario: Scenario) -> None:
    seed = outcome.choice.seed
    _say("\nThe whole history:")
    _history(live(Choice(seed=seed), scenario, told=True))
    shortest = shrink(outcome.choice, scenario)
    deeds = shortest.choice.plan().deeds
    _say(f"\nThe shortest history found, of {len(deeds)} deeds:")
    _history(shortest)
    _say(f"\n{repeat_line(seed, scenario)}")


def _history(outcome: Outcome) -> None:
    for line in outcome.history:
        _say(str(line))
    for what in outcome.broken:
        _say(f"BROKEN: {shorten(what)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
