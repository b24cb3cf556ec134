"""Rounds in turn: whatever else the machine does meanwhile falls on both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Side = Callable[[], Awaitable[float]]


async def in_turn(rounds: int, *sides: Side) -> list[list[float]]:
    """Every side's values over `rounds` rounds, each round starting with another side. The first run of each warms up."""
    for side in sides:
        await side()
    values: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        for step in range(len(sides)):
            place = (number + step) % len(sides)
            values[place].append(await sides[place]())
    return values
