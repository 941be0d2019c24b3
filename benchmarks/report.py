"""The figures as tables for the terminal and for docs/performance.md, as a chart, and against what they must be."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.servers import FLOOR, HOOK, ROWSMITH

if TYPE_CHECKING:
    from benchmarks.speed import Results

type Quartiles = tuple[float, float, float]

OPERATIONS = ("get", "list 20", "list 100", "create", "update")
MUST_OF_FLOOR = dict(zip(OPERATIONS, (0.65, 0.60, 0.80, 0.50, 0.50), strict=True))
AIM_OF_FLOOR = dict(zip(OPERATIONS, (0.95, 1.2, 1.2, 0.75, 0.75), strict=True))
MUST_TIMES = {
    "FastAPI + SQLModel": dict(zip(OPERATIONS, (9, 6, 4, 10, 10), strict=True)),
    "FastCRUD": dict(zip(OPERATIONS, (15, 12, 8, 15, 15), strict=True)),
    "Django REST framework": dict(zip(OPERATIONS, (10, 10, 8, 7, 7), strict=True)),
    "fastify + pg": dict(zip(OPERATIONS, (0.6, 0.6, 0.8, 0.45, 0.45), strict=True)),
}
MUST_P99 = 3.0
BEGIN, END = "<!-- figures of `make bench` -->", "<!-- end of the figures -->"


def quartiles(values: list[float]) -> Quartiles:
    """The first quartile, the median and the third."""
    first, median, third = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return first, median, third


def times(results: Results, operation: str, name: str, of: str = ROWSMITH) -> Quartiles:
    """How many times the CPU time of `of` a server takes for an answer, in the same round."""
    samples = results.samples[operation]
    return quartiles([one.cpu / other.cpu for one, other in zip(samples[name], samples[of], strict=True)])


def report(results: Results, rounds: int, folder: Path | None) -> int:
    """Print everything; 1 when a figure misses what it must be."""
    lines = [*_table(results), "", *_latency(results), *(f"not measured: {name}, because {why}" for name, why in results.skipped.items())]
    misses = _misses(results)
    lines += ["", *(f"MISSED: {miss}" for miss in misses)] if misses else ["", "Every figure is what it must be."]
    sys.stdout.write("\n".join(lines) + "\n")
    if folder is not None:
        _write(results, rounds, folder)
    return int(bool(misses))


def _median(results: Results, operation: str, name: str, what: str) -> float:
    return statistics.median(getattr(sample, what) for sample in results.samples[operation][name])


def _table(results: Results) -> list[str]:
    lines = [f"{'':24}{'':10}{'req/s':>8}{'µs':>8}{'db µs':>8}   × Rowsmith (quartiles)   of the floor (quartiles)"]
    for operation in OPERATIONS:
        for name in results.samples[operation]:
            low, middle, high = times(results, operation, name)
            floor_low, floor, floor_high = times(results, operation, FLOOR, name)
            figures = "".join(f"{_median(results, operation, name, what):8.0f}" for what in ("per_second", "cpu", "database"))
            lines.append(
                f"{name:24}{operation:10}{figures}{middle:9.2f} ({low:.2f}-{high:.2f}){floor:14.2f} ({floor_low:.2f}-{floor_high:.2f})"
            )
    return lines


def _latency(results: Results) -> list[str]:
    floor, ours = (quartiles(results.p99[name]) for name in (FLOOR, ROWSMITH))
    ours_text, floor_text = (f"{middle:.2f} ms ({low:.2f}-{high:.2f})" for low, middle, high in (ours, floor))
    times_floor = f"{ours[1] / floor[1]:.2f} × the floor's"
    return [f"p99 of get at {results.rate:.0f} requests a second: floor {floor_text}, Rowsmith {ours_text}, {times_floor}"]


def _misses(results: Results) -> list[str]:
    misses: list[str] = []
    for operation in OPERATIONS:
        share = times(results, operation, FLOOR)[1]
        if share < MUST_OF_FLOOR[operation]:
            misses.append(f"{operation} keeps {share:.2f} of the floor, and must keep {MUST_OF_FLOOR[operation]:.2f}")
        for name, musts in MUST_TIMES.items():
            if name in results.samples[operation] and (found := times(results, operation, name)[1]) < musts[operation]:
                misses.append(f"{operation} is {found:.2f} × {name}, and must be {musts[operation]}")
    ratio = statistics.median(results.p99[ROWSMITH]) / statistics.median(results.p99[FLOOR])
    if ratio > MUST_P99:
        misses.append(f"p99 is {ratio:.2f} × the floor's, and must be at most {MUST_P99:.0f}")
    return misses


def _write(results: Results, rounds: int, folder: Path) -> None:
    """Put the table between the marks of performance.md, and the chart beside it."""
    names = [name for name in results.samples["update"] if name not in {FLOOR, ROWSMITH}]
    head = "| | " + " | ".join(OPERATIONS) + " |"
    rows = [head, "|---" * (len(OPERATIONS) + 1) + "|"]
    rows.append(_row("of the floor", results, FLOOR))
    rows.append("| must / aim | " + " | ".join(f"{MUST_OF_FLOOR[name]:.2f} / {AIM_OF_FLOOR[name]:.2f}" for name in OPERATIONS) + " |")
    rows += [_row(f"× {name}", results, name) for name in names]
    micro = [
        f"| {name} | " + " | ".join(_micro(results, operation, name) for operation in OPERATIONS) + " |"
        for name in results.samples["update"]
    ]
    text = [BEGIN, "", f"Medians of {rounds} alternating rounds with quartiles; by CPU time of the server.", "", *rows, ""]
    text += [
        "CPU microseconds an answer: of the server, and (in brackets) of PostgreSQL.",
        "",
        head,
        rows[1],
        *micro,
        "",
        *_latency(results),
    ]
    text += ["", *(f"Not measured: {name}, because {why}." for name, why in results.skipped.items()), "", END]
    page = folder / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + "\n".join(text) + rest.partition(END)[2])
    (folder / "performance.svg").write_text(_chart(results))


def _row(title: str, results: Results, name: str, of: str = ROWSMITH) -> str:
    cells: list[str] = []
    for operation in OPERATIONS:
        if name in results.samples[operation]:
            low, middle, high = times(results, operation, name, of)
            cells.append(f"{middle:.2f} ({low:.2f}–{high:.2f})")
        else:
            cells.append("")
    return f"| {title} | " + " | ".join(cells) + " |"


def _micro(results: Results, operation: str, name: str) -> str:
    if name not in results.samples[operation]:
        return ""
    return f"{_median(results, operation, name, 'cpu'):.0f} ({_median(results, operation, name, 'database'):.0f})"


def _chart(results: Results) -> str:
    """Answers for the same CPU time, the floor's being 1: a group of bars for each operation."""
    names = [name for name in results.samples["update"] if name != HOOK]
    colours = ("#bbbbbb", "#0b6e4f", "#4c78a8", "#9ecae9", "#f58518", "#ffbf79", "#b279a2", "#e45756")
    width, bar, scale = 760, 14, 150
    parts: list[str] = []
    for group, operation in enumerate(OPERATIONS):
        left = 40 + group * (width - 60) / len(OPERATIONS)
        parts.append(f'<text x="{left:.0f}" y="316" font-size="13">{operation}</text>')
        for place, name in enumerate(names):
            share = times(results, operation, FLOOR, name)[1]
            height = min(share * scale, 270)
            x, y = left + place * bar, 300 - height
            parts.append(
                f'<rect x="{x:.0f}" y="{y:.1f}" width="{bar - 2}" height="{height:.1f}" fill="{colours[place % 8]}"><title>{name}: {share:.2f}</title></rect>'
            )
    for place, name in enumerate(names):
        x, y = 40 + place % 4 * 180, 340 + place // 4 * 20
        parts.append(
            f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colours[place % 8]}"/><text x="{x + 18}" y="{y}" font-size="13">{name}</text>'
        )
    parts.append(f'<line x1="40" x2="{width - 20}" y1="{300 - scale}" y2="{300 - scale}" stroke="#666" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="4" y="{304 - scale}" font-size="13">1</text>')
    title = (
        '<text x="40" y="18" font-size="14">Answers for the same CPU time of the server, that of the floor being 1 (more is better)</text>'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 380" font-family="sans-serif" fill="#222">{title}{"".join(parts)}</svg>\n'
