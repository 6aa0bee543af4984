"""Figures with their floors and budgets, and the table. No clock and no processes here."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from math import isnan, nan
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A bound on a figure, or on its ratio to the floor."""

    bound: float
    on: Literal["figure", "ratio"]
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a value is inside."""
        return value >= self.bound if self.at_least else value <= self.bound


def most(bound: float) -> Budget:
    """The figure is at most this."""
    return Budget(bound=bound, on="figure")


def least(bound: float) -> Budget:
    """The figure is at least this."""
    return Budget(bound=bound, on="figure", at_least=True)


def times(bound: float) -> Budget:
    """The figure is at most this many times the floor."""
    return Budget(bound=bound, on="ratio")


def least_times(bound: float) -> Budget:
    """The figure is at least this many times the floor."""
    return Budget(bound=bound, on="ratio", at_least=True)


@dataclass(frozen=True, slots=True)
class Floor:
    """The time of the same work without floe, measured beside it and in its unit."""

    what: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    values: Sequence[float]
    unit: str
    _: KW_ONLY
    percent: int = 50
    """The percentile of the values that is the figure."""
    floor: Floor | None = None
    budget: Budget | None = None

    @property
    def figure(self) -> float:
        """The figure that the table shows and the budget limits."""
        return percentile(self.values, self.percent)

    @property
    def ratio(self) -> float | None:
        """The ratio of figure and floor."""
        return self.figure / median(self.floor.values) if self.floor else None

    @property
    def verdict(self) -> Literal["met", "MISSED", ""]:
        """Whether the budget is met; empty without a budget."""
        if self.budget is None:
            return ""
        value = self.ratio if self.budget.on == "ratio" else self.figure
        assert value is not None, "a bound on a ratio needs a floor"
        return "met" if self.budget.is_met(value) else "MISSED"

    def shape(self) -> dict[str, Any]:
        """All values, for JSON."""
        told = {"figure": self.figure, "ratio": self.ratio, "verdict": self.verdict}
        return {**asdict(self), **told}


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that this percentage of them does not exceed; the median for 50; NaN for none."""
    if not values:
        return nan
    if percent == 50:
        return median(values)
    ranked = sorted(values)
    return ranked[-(-len(ranked) * percent // 100) - 1]


HEAD = ("measure", "figure (min–max)", "floor", "ratio", "budget", "verdict")


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, in columns."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(HEAD))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    figure = f"{number(row.figure)} {row.unit}".strip()
    if len(row.values) > 1:
        figure += f" ({number(min(row.values))}–{number(max(row.values))})"
    floor = f"{number(median(row.floor.values))} {row.floor.what}" if row.floor else ""
    ratio = f"{row.ratio:.2f} ×" if row.ratio is not None else ""
    return (row.what, figure, floor, ratio, _bound(row), row.verdict)


def _bound(row: Row) -> str:
    if row.budget is None:
        return ""
    sign = "≥" if row.budget.at_least else "≤"
    unit = "×" if row.budget.on == "ratio" else row.unit
    return f"{sign} {number(row.budget.bound)} {unit}".strip()


def number(value: float) -> str:
    """Three digits, or all digits before the point if there are more."""
    if isnan(value):
        return "none"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
