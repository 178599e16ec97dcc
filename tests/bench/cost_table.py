"""What capture costs, in ratios: with an onlooker over without, beside what is aimed at."""

import operator
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tests.bench.cost_run import Run

Pair = tuple[Run, Run]  # with an onlooker, without


class Aims(NamedTuple):
    """What is aimed at for a load; None where nothing is."""

    throughput: float | None = None  # at least
    cpu: float | None = None  # of service and onlooker; at most
    p99: float | None = None  # at most
    kept: float | None = 1.0  # at least


NO_AIMS = Aims(kept=None)


@dataclass(frozen=True)
class _Figure:
    """What two runs are compared by."""

    title: str
    column: str  # of the table; empty for none
    of: Callable[[Run, Run], float | None]  # with an onlooker, without; None where it is not known
    aim: str = ""  # the field of Aims; empty for none
    holds: Callable[[float, float], bool] = operator.le  # median and aim

    def values(self, pairs: list[Pair]) -> list[float]:
        return [value for value in (self.of(*pair) for pair in pairs) if value is not None]

    def verdict(self, values: list[float], aims: Aims) -> str:
        """The aim, and whether the median reaches it."""
        aim = getattr(aims, self.aim) if self.aim else None
        if aim is None or not values:
            return ""
        return f"({aim:.2f}) {'held' if self.holds(statistics.median(values), aim) else 'not held'}"


_FIGURES = (
    _Figure("throughput", "throughput",
            lambda one, plain: one.answers.per_second / plain.answers.per_second, "throughput", operator.ge),
    _Figure("CPU of service and {onlooker} per answer", "CPU",
            lambda one, plain: one.cpu_us_per_answer / plain.cpu_us_per_answer, "cpu"),
    _Figure("CPU of the service alone per answer", "service CPU",
            lambda one, plain: one.service_us_per_answer / plain.service_us_per_answer),
    _Figure("CPU of {onlooker}, us per answer", "", lambda one, _: one.onlooker_us_per_answer),
    _Figure("p99 latency", "p99", lambda one, plain: one.answers.p99_us / plain.answers.p99_us, "p99"),
    _Figure("kept of what was answered", "kept", lambda one, _: one.kept, "kept", operator.ge),
)
_COLUMNS = [figure for figure in _FIGURES if figure.column]


def details(pairs: list[Pair], aims: Aims, onlooker: str) -> str:
    """All that was measured for one load, with quartiles."""
    lines = [f"  {f'with {onlooker} over without':<44}   median  [quartiles]           (aim)"]
    for figure in _FIGURES:
        values = figure.values(pairs)
        if values:
            low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
            title = figure.title.format(onlooker=onlooker)
            lines.append(f"  {title:<44} {median:8.3f}  [{low:.3f} … {high:.3f}]     "
                         f"{figure.verdict(values, aims)}".rstrip())
    return "\n".join(lines)


def table(rows: dict[str, tuple[Aims, list[Pair] | str]]) -> str:
    """One line a load: medians, with what is aimed at, or in words why there are no pairs."""
    lines = [_line("medians (aim)", [figure.column for figure in _COLUMNS])]
    for name, (aims, pairs) in rows.items():
        lines.append(_line(name, [pairs] if isinstance(pairs, str) else
                           [_cell(figure, figure.values(pairs), aims) for figure in _COLUMNS]))
    return "\n".join(lines)


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<32}{''.join(f'{cell:<22}' for cell in cells)}".rstrip()


def _cell(figure: _Figure, values: list[float], aims: Aims) -> str:
    return f"{statistics.median(values):.3f} {figure.verdict(values, aims)}" if values else "-"
