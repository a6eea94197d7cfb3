"""Run lives, and print the shortest one that breaks a law."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from math import ceil

from kiwisms.testing.simulation.describe import shorten
from kiwisms.testing.simulation.run import (
    BATCH_SIZE,
    USUAL,
    Choice,
    Outcome,
    Report,
    live,
    simulate,
)
from kiwisms.testing.simulation.scenario import Scenario
from kiwisms.testing.simulation.shrink import shrink


def main(arguments: Sequence[str] | None = None, scenario: Scenario = USUAL) -> int:
    """
    Run the lives that the command line asks for, and print the result.

    Args:
        arguments: The command line; without it, that of this program.
        scenario: What is tested.

    Returns:
        The exit code: 1 when a law was broken, or a long run did not reach a mark.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seed", type=int, help="seed of the first life; each next life has the next number"
    )
    parser.add_argument("--lives", type=int, default=1000, help="how many lives to run")
    asked = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4)) if asked.seed is None else asked.seed
    began = time.perf_counter()
    seeds = range(seed, seed + asked.lives)
    processes = min(os.cpu_count() or 1, ceil(len(seeds) / BATCH_SIZE))
    report = simulate(seeds, scenario, processes=processes)
    _print_summary(report, seed, time.perf_counter() - began)
    for outcome in report.broken:
        _print_failure(outcome, scenario)
    for mark in report.missing:
        _print(f"No life reached: {mark}")
    return 0 if report.succeeded else 1


def repeat_line(seed: int, scenario: Scenario = USUAL) -> str:
    """Return how to repeat a life; a scenario of your own is repeated by your own program."""
    if scenario == USUAL:
        return f"To repeat it: make simulate SEED={seed} LIVES=1"
    return f"To repeat it, run this again with --seed {seed} --lives 1"


def _print_summary(report: Report, seed: int, seconds: float) -> None:
    for mark, count in report.marks.most_common():
        _print(f"{count:8}  {mark}")
    _print(
        f"{report.lives} lives from SEED={seed}, {report.lives / seconds:.0f} a second, "
        f"{report.steps / report.lives:.0f} steps each, {len(report.broken)} broken"
    )


def _print_failure(outcome: Outcome, scenario: Scenario) -> None:
    seed = outcome.choice.seed
    _print("\nThe whole history:")
    _print_history(live(Choice(seed=seed), scenario, recorded=True))
    shortest = shrink(outcome.choice, scenario)
    actions = shortest.choice.plan().actions
    _print(f"\nThe shortest history found, of {len(actions)} actions:")
    _print_history(shortest)
    _print(f"\n{repeat_line(seed, scenario)}")


def _print_history(outcome: Outcome) -> None:
    for line in outcome.history:
        _print(str(line))
    for what in outcome.broken:
        _print(f"BROKEN: {shorten(what)}")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
