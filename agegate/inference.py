"""From evidence to probability: how likely the account's holder is under the limit, and why.

The unknown is the birth date. It has a prior (`SHIPPED_PRIOR`, the ages on a learning service) over a
grid of birth months, and every piece of evidence multiplies each month by its likelihood ratio. A piece
says "born between these days" and is right with its reliability r, so its ratio inside the interval is

    LR = r / (1 - r) x (1 - p) / p        with p the prior probability of the interval,

which is the one that makes it, alone, believed with probability r. The months are
cut on the day that decides and where an interval begins and ends, so a threshold is exact to the day.
Statements of one source do not add up: the latest of them counts (`_independent`). A child who came in
had to declare an adult date, which is why that declaration is weak evidence (`signals/birth_date.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agegate.birthdate import OLDEST_YEARS, BirthDate, anniversary, latest_birth
from agegate.model import Assessment, Band, Evidence, Weighed

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

SHIPPED_PRIOR: Final[tuple[tuple[int, float], ...]] = (
    (0, 0.00005),
    (5, 0.0010),
    (10, 0.0040),
    (13, 0.0750),
    (18, 0.2000),
    (25, 0.2500),
    (35, 0.2700),
    (50, 0.1500),
    (65, 0.0498),
    (100, 0.00015),
)
"""Share of accounts from each age (years) up to the next row's: an assumption about a learning service
for schools, companies and single learners, with one account in two hundred under 13. It is documented in
docs/detection.md; a host that knows better says so in its configuration."""

CERTAIN: Final = 0.99
LIKELY: Final = 0.90
WATCH: Final = 0.50

CREDIBLE: Final = 0.95
"""Probability of the interval of birth dates that an assessment gives."""

MOST_RELIABLE: Final = 0.9999
LARGEST_RATIO: Final = 1e9
"""No single statement is beyond doubt, however rare the interval that it names."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of birth days: `starts[i]` to `starts[i + 1] - 1` (ordinal days), and each cell's prior."""

    starts: Days
    ends: Days
    prior: Floats

    def cover(self, born: BirthDate) -> Floats:
        """The share of each cell's days that an interval covers, 0 to 1."""
        first = np.maximum(self.starts, born.first.toordinal())
        last = np.minimum(self.ends, born.last.toordinal() + 1)
        shared: Floats = np.maximum(last - first, 0) / (self.ends - self.starts)
        return shared


def assess(
    evidence: Sequence[Evidence],
    *,
    today: date,
    limit: int,
    created_on: date | None = None,
    limit_then: int | None = None,
) -> Assessment:
    """How likely the holder is younger than `limit` (years) on `today`, and ever was since sign-up.

    `created_on` is the day the account was made (default: today) and `limit_then` the limit that held
    on that day (default: `limit`). Pure: it reads no clock.
    """
    created = min(created_on or today, today)
    used = _independent(evidence)
    youngest_now = latest_birth(limit, today).toordinal() + 1
    youngest_then = latest_birth(limit_then or limit, created).toordinal() + 1
    edges = {edge for piece in used for edge in (piece.born.first.toordinal(), piece.born.last.toordinal() + 1)}
    grid = _grid(today, frozenset(edges | {youngest_now, youngest_then}))
    ratios = [_likelihood(grid, piece) for piece in used]
    logs = np.log(np.array([grid.prior, *ratios])).sum(axis=0)
    weight = np.exp(logs - logs.max())  # many sources multiply beyond what a float holds
    posterior = weight / weight.sum()
    now = grid.starts >= youngest_now
    # A person is under the limit at some time since sign-up if under it then, or today (a raised limit);
    # nobody born after sign-up made the account, but the account may have been handed on.
    ever = grid.starts >= min(youngest_now, youngest_then)
    under = float(posterior[now].sum())
    weighed = tuple(
        sorted(
            (Weighed(piece, _shift(weight, ratio, ever)) for piece, ratio in zip(used, ratios, strict=True)),
            key=lambda item: -abs(item.weight),
        )
    )
    return Assessment(
        under=under,
        ever_under=float(posterior[ever].sum()),
        born=_interval(grid, posterior),
        band=_band(under, used, limit, today),
        weighed=weighed,
    )


def could_be_under(evidence: Sequence[Evidence], limit: int, today: date, created_on: date) -> bool:
    """Whether any piece leaves room for a person under the limit, now or at sign-up: else nothing to assess."""
    line = min(latest_birth(limit, today), latest_birth(limit, created_on))
    return any(piece.born.last > line for piece in evidence)


def _independent(evidence: Sequence[Evidence]) -> list[Evidence]:
    """One piece per source, the latest and then the most reliable: repeating oneself proves nothing."""
    best: dict[str, Evidence] = {}
    for piece in evidence:
        known = best.get(piece.source)
        if known is None or _rank(piece) > _rank(known):
            best[piece.source] = piece
    return list(best.values())


def _rank(piece: Evidence) -> tuple[date, float, int, int]:
    """Later outranks earlier; of one day the surer statement, then the elder age: never by chance."""
    return piece.said_on, piece.reliability, -piece.born.last.toordinal(), -piece.born.first.toordinal()


def _likelihood(grid: Grid, piece: Evidence) -> Floats:
    cover = grid.cover(piece.born)
    prior = float(grid.prior @ cover)
    if prior <= 0:
        return np.ones_like(grid.prior)  # an interval outside the grid speaks of nobody
    reliability = min(piece.reliability, MOST_RELIABLE)
    # Evidence that is less reliable than the prior already says nothing, rather than the contrary.
    ratio = min(max(1.0, reliability / (1 - reliability) * (1 - prior) / prior), LARGEST_RATIO)
    return 1.0 + (ratio - 1.0) * cover


def _shift(weight: Floats, ratio: Floats, under: NDArray[np.bool_]) -> float:
    """What one piece did to the log10 odds of being under the limit, given all the others."""
    without = weight / ratio
    return _log_odds(weight, under) - _log_odds(without, under)


def _log_odds(weight: Floats, under: NDArray[np.bool_]) -> float:
    inside, outside = float(weight[under].sum()), float(weight[~under].sum())
    return float(np.log10(max(inside, 1e-300)) - np.log10(max(outside, 1e-300)))


def _band(under: float, used: Sequence[Evidence], limit: int, today: date) -> Band:
    support = [piece for piece in used if piece.speaks_for_under(limit, today)]
    if under >= CERTAIN and (any(piece.exact for piece in support) or len(support) > 1):
        return Band.CERTAIN
    if under >= LIKELY:
        return Band.LIKELY
    return Band.WATCH if under >= WATCH else Band.NONE


def _interval(grid: Grid, posterior: Floats) -> BirthDate:
    """The central credible interval of the posterior, to the cell."""
    cumulated = np.cumsum(posterior)
    tail = (1 - CREDIBLE) / 2
    first = int(np.searchsorted(cumulated, tail))
    last = min(int(np.searchsorted(cumulated, 1 - tail)), len(posterior) - 1)
    return BirthDate(
        date.fromordinal(int(grid.starts[first])), date.fromordinal(int(grid.ends[max(first, last)]) - 1)
    )


def _grid(today: date, cuts: frozenset[int]) -> Grid:
    """Months from 125 years ago to today, cut on the days that matter."""
    months, bands, density, end = _months(today)
    starts = np.union1d(months, [cut for cut in cuts if months[0] < cut < end])
    ends = np.append(starts[1:], end)
    prior = density[np.searchsorted(bands, starts, side="right") - 1] * (ends - starts)
    return Grid(starts, ends, prior / prior.sum())


@lru_cache(maxsize=64)
def _months(today: date) -> tuple[Days, Days, Floats, int]:
    """The grid before any cut of its own: the first days of its cells, the prior, and the day after it.

    The prior is a density per day that changes on the first day of each band of ages, eldest first; the
    months are cut there, so that no month belongs to two bands.
    """
    end = today.toordinal() + 1
    first = anniversary(today, -OLDEST_YEARS)
    counted = (first.year * 12 + first.month - 1 + number for number in range(OLDEST_YEARS * 12 + 1))
    days = (date(month // 12, month % 12 + 1, 1).toordinal() for month in counted)
    months = np.array([day for day in days if day < end])
    last_of_band = [latest_birth(age, today).toordinal() for age, _ in SHIPPED_PRIOR]
    bands = np.array([months[0], *(day + 1 for day in reversed(last_of_band[1:]))])
    shares = np.array([share for _, share in reversed(SHIPPED_PRIOR)])
    return np.union1d(months, bands), bands, shares / np.diff(np.append(bands, end)), end
