"""What capture costs, in ratios: with an onlooker over without, beside what is aimed at."""

import operator
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tests.bench.cost_run import Run

Pair = tuple[Run, Run]  # with an onlooker, without


class Aims(NamedTuple):
    """What is aimed at for a load, ratio by ratio as in _RATIOS; None where nothing is."""

    throughput: float | None = None  # at least
    cpu: float | None = None  # at most
    p99: float | None = None  # at most
    kept: float | None = 1.0  # at least


NO_AIMS = Aims(kept=None)


@dataclass(frozen=True)
class _Ratio:
    name: str
    of_what: str
    of: Callable[[Run, Run], float | None]
    holds: Callable[[float, float], bool]  # the median, what is aimed at


_RATIOS = (
    _Ratio("throughput", "throughput",
           lambda one, plain: one.answers.per_second / plain.answers.per_second, operator.ge),
    _Ratio("CPU", "CPU of service and {onlooker} per answer",
           lambda one, plain: one.cpu_us_per_answer / plain.cpu_us_per_answer, operator.le),
    _Ratio("p99", "p99 latency", lambda one, plain: one.answers.p99_us / plain.answers.p99_us, operator.le),
    _Ratio("kept", "kept of what was answered", lambda one, _: one.kept, operator.ge),
)


def _values(pairs: list[Pair], of: Callable[[Run, Run], float | None]) -> list[float]:
    return [value for value in (of(*pair) for pair in pairs) if value is not None]


def _verdict(ratio: _Ratio, values: list[float], aim: float | None) -> str:
    """The aim, and whether the median reaches it."""
    if aim is None or not values:
        return ""
    return f"({aim:.2f}) {'held' if ratio.holds(statistics.median(values), aim) else 'not held'}"


def details(pairs: list[Pair], aims: Aims, onlooker: str) -> str:
    """All that was measured for one load, with quartiles."""
    lines = [f"  {'with ' + onlooker + ' over without':<44}   median  [quartiles]           aim"]

    def add(name: str, values: list[float], aim: str = ""):
        if values:
            low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
            lines.append(f"  {name:<44} {median:8.3f}  [{low:.3f} … {high:.3f}]     {aim}".rstrip())
    for ratio, aim in zip(_RATIOS, aims):
        values = _values(pairs, ratio.of)
        add(ratio.of_what.format(onlooker=onlooker), values, _verdict(ratio, values, aim))
    add("CPU of the service alone per answer",
        [one.service_us_per_answer / plain.service_us_per_answer for one, plain in pairs])
    add(f"CPU of {onlooker}, us per answer", [one.onlooker_us_per_answer for one, _ in pairs])
    return "\n".join(lines)


def table(rows: dict[str, tuple[Aims, list[Pair] | None]]) -> str:
    """One line a load: medians, with what is aimed at. Without pairs it was not installed."""
    head = "".join(f"{ratio.name:<22}" for ratio in _RATIOS)
    lines = [f"{'medians (aim)':<34}{head}".rstrip()]
    for name, (aims, pairs) in rows.items():
        cells = "not installed" if pairs is None else "".join(
            f"{_cell(ratio, _values(pairs, ratio.of), aim):<22}" for ratio, aim in zip(_RATIOS, aims))
        lines.append(f"{name:<34}{cells}".rstrip())
    return "\n".join(lines)


def _cell(ratio: _Ratio, values: list[float], aim: float | None) -> str:
    return f"{statistics.median(values):.3f} {_verdict(ratio, values, aim)}" if values else "-"
