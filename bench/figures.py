#!/usr/bin/env python3
"""Tables and plots from the result files: writes `plots/*.svg` and the marked part of `RESULTS.md`. Measures nothing.

    python3 bench/figures.py

`results/scale.jsonl` comes from `evalset-bench --results`, `results/peers.jsonl` from `peers/run.py`. Of repeated figures
(same system, scenario and number of rows) the last one counts.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from chart import COLOURS, Line, chart, short

BENCH = Path(__file__).resolve().parent
BEGIN, END = "<!-- figures: made by bench/figures.py -->", "<!-- end of figures -->"
OURS = "evalset"
#: What the peers are asked, with the scenario of the scale runs that it is drawn beside.
OPERATIONS = {
    "bulk": ("bulk create, one client, rows/s", ""),
    "behind": ("after that, until texts are found by index, s", ""),
    "nothing": ("whether the server is up: what any request costs this client", ""),
    "page": ("page of 50, newest first, exact total", "page.plain"),
    "filtered": ("page of 50, two filters, sorted by latency, exact total", "page.sort_latency"),
    "row": ("one row by id", "row.get"),
    "search": ("page of 50 with a text in input or output, exact total", "search.substring"),
    "summary": ("sums over all rows", "summary.all"),
    "export": ("export of all rows, to the client", ""),
    "memory": ("memory of all processes, MB", ""),
    "disk": ("disk, MB", ""),
}
#: Where figures are held against what is wanted.
TARGET_ROWS = (1_000_000, 10_000_000)
Figure = dict[str, Any]
#: (system, scenario) → rows → figure
Figures = dict[tuple[str, str], dict[int, Figure]]


def read(file: Path) -> Figures:
    """The last figure of each system, scenario and number of rows."""
    found: Figures = {}
    for text in file.read_text().splitlines() if file.exists() else []:
        line = json.loads(text)
        found.setdefault((line["system"], line["scenario"]), {})[line["rows"]] = line
    return {key: dict(sorted(by_rows.items())) for key, by_rows in found.items()}


def number(value: float) -> str:
    """As many digits as are of use."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A markdown table whose columns line up."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    shown = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in shown)


def value_of(figure: Figure | None) -> float | None:
    """The number that is compared; none where there is no valid one."""
    if figure is None or {"absent", "invalid", "slower_than_ms"} & figure.keys():
        return None
    return float(figure["p50_ms"] if "p50_ms" in figure else figure["value"])


def cell(figure: Figure | None) -> str:
    """A figure of the peers' table: median / p99, marked where no total was said."""
    if figure is None:
        return ""
    if "absent" in figure:
        return "–"
    if "invalid" in figure:
        return "wrong answer"
    if "slower_than_ms" in figure:
        return f"> {number(figure['slower_than_ms'])}"
    if "value" in figure:
        ended = f" (given up at {short(figure['gave_up'])})" if "gave_up" in figure else ""
        return number(figure["value"]) + ended
    few = f" ×{figure['requests']}" if figure["requests"] < 10 else ""
    mark = "" if figure["says_total"] or figure["scenario"] in ("row", "nothing") else " °"
    return f"{number(figure['p50_ms'])} / {number(figure['p99_ms'])}{few}{mark}"


def ratio(operation: str, ours: float | None, others: list[float]) -> str:
    """How many times better than the best peer."""
    if ours is None or not others or operation in ("disk", "nothing"):
        return ""
    return f"{number(ours / max(others) if operation == 'bulk' else min(others) / ours)}×"


def systems_of(figures: Figures) -> list[str]:
    """Names, ours first, the others in the order of their figures."""
    return sorted(dict.fromkeys(system for system, _ in figures), key=lambda system: system != OURS)


def peer_tables(peers: Figures) -> list[str]:
    """One table for each number of rows, and what was run."""
    systems = systems_of(peers)
    counts = sorted({rows for by_rows in peers.values() for rows in by_rows})
    out = []
    for rows in counts:
        lines = []
        for operation, (what, _) in OPERATIONS.items():
            figures = {system: peers.get((system, operation), {}).get(rows) for system in systems}
            values = {system: value_of(figure) for system, figure in figures.items()}
            others = [value for system, value in values.items() if system != OURS and value]
            lines.append([what, *map(cell, figures.values()), ratio(operation, values.get(OURS), others)])
        out.append(f"**{short(rows)} rows**\n\n" + table(["", *systems, "best peer ÷ evalset"], lines))
    newest = [next(iter(reversed(peers[(system, "bulk")].values()))) for system in systems if (system, "bulk") in peers]
    about = [f"- {line['system']}: {line['version']}, {line['date']}. {line['note']}" for line in newest]
    shared = {f"- machine: {line['machine']}; `{line['command']}`" for line in newest}
    return ["\n".join(sorted(shared) + about), *out]


def scale_table(scale: Figures) -> str:
    """p50 / p99 of every latency, and every other figure, by number of rows."""
    counts = sorted({rows for by_rows in scale.values() for rows in by_rows})
    lines = []
    for (_, scenario), by_rows in scale.items():
        shown = []
        for rows in counts:
            figure = by_rows.get(rows)
            if figure is None:
                shown.append("")
            elif "p50_ms" in figure:
                shown.append(f"{number(figure['p50_ms'])} / {number(figure['p99_ms'])}")
            else:
                shown.append(f"{number(figure['value'])} {figure['unit']}")
        lines.append([scenario, *shown])
    return table(["", *map(short, counts)], lines)


def met(figure: Figure) -> list[tuple[str, float, float, bool]]:
    """What was wanted of a figure: sign and name of the bound, the bound, what was measured, and whether that keeps it."""
    at_most = [("p50 ≤", "p50_ms", "p50_most_ms"), ("p99 ≤", "p99_ms", "p99_most_ms"), ("≤", "value", "at_most")]
    found = [(sign, figure[most], figure[got], figure[got] <= figure[most]) for sign, got, most in at_most if most in figure]
    if "at_least" in figure:
        found.append(("≥", figure["at_least"], figure["value"], figure["value"] >= figure["at_least"]))
    return found


def target_cells(figure: Figure | None) -> list[str]:
    """Target and measurement."""
    bounds = met(figure) if figure else []
    if figure is None or not bounds:
        return ["", ""]
    unit = figure.get("unit", "ms")
    wanted = ", ".join(f"{sign} {bound:,g}" for sign, bound, _, _ in bounds)
    got = ", ".join(number(value) + ("" if kept else " **missed**") for _, _, value, kept in bounds)
    return [f"{wanted} {unit}", got]


def target_table(scale: Figures) -> str:
    """Every figure that something is wanted of, at 1M and at 10M rows, and when and how it was measured."""
    lines, sources = [], set()
    for (_, scenario), by_rows in scale.items():
        figures = [by_rows.get(rows) for rows in TARGET_ROWS]
        cells = [cell for figure in figures for cell in target_cells(figure)]
        if any(cells):
            lines.append([scenario, *cells])
            sources |= {(figure["rows"], figure["date"], figure.get("command", "")) for figure in figures if figure and met(figure)}
    head = [cell for rows in TARGET_ROWS for cell in (f"target at {short(rows)}", "measured")]
    told = [f"- {short(rows)}, {date}" + (f": `{command}`" if command else "") for rows, date, command in sorted(sources)]
    return table(["", *head], lines) + "\n\n" + "\n".join(told)


def points(by_rows: dict[int, Figure], name: str) -> list[tuple[float, float]]:
    """Rows and a value that can stand on a logarithmic axis."""
    return [(rows, figure[name]) for rows, figure in by_rows.items() if figure.get(name, 0) > 0 and value_of(figure)]


def peer_lines(peers: Figures, operation: str, without_ours: bool) -> list[Line]:
    """The medians, or values, of every system that did it."""
    systems = systems_of(peers)
    lines = []
    for place, system in enumerate(systems):
        by_rows = peers.get((system, operation), {})
        drawn = points(by_rows, "p50_ms") or points(by_rows, "value")
        if drawn and not (without_ours and system == OURS):
            lines.append(Line(system, drawn, COLOURS[place % len(COLOURS)]))
    return lines


def plots(scale: Figures, peers: Figures) -> list[tuple[str, str, str]]:
    """Name, title and SVG of every plot."""
    beside = {scenario: operation for operation, (_, scenario) in OPERATIONS.items() if scenario}
    out = []
    for operation, (what, _) in OPERATIONS.items():
        lines = peer_lines(peers, operation, without_ours=False)
        if lines and operation != "nothing":
            up = what.rsplit(", ", 1)[-1] if operation in ("bulk", "behind", "memory", "disk") else "median, ms"
            out.append((f"peers-{operation}", what, chart(what, "rows", up, lines)))
    for (_, scenario), by_rows in scale.items():
        lines = [
            Line("evalset p50", points(by_rows, "p50_ms"), COLOURS[0]),
            Line("evalset p99", points(by_rows, "p99_ms"), COLOURS[0], True),
        ]
        if not lines[0].points:
            continue
        if scenario in beside:
            lines += peer_lines(peers, beside[scenario], without_ours=True)
        out.append((scenario.replace(".", "-"), scenario, chart(scenario, "rows", "ms", lines)))
    return out


def section(scale: Figures, peers: Figures, drawn: list[tuple[str, str, str]]) -> str:
    """The marked part of RESULTS.md."""
    parts = [BEGIN]
    if any(met(figure) for by_rows in scale.values() for figure in by_rows.values()):
        parts += ["## Against the targets", "Of latencies the medians of the repeats.", target_table(scale)]
    if peers:
        parts += [
            "## Beside others",
            "Times in ms: median / p99 of one client's requests in turn, ×n where fewer than ten fitted in. ° says no total "
            "with its rows. – cannot do it. The last column divides the best peer's median by evalset's (for bulk: the "
            "other way round).",
            *peer_tables(peers),
        ]
    if scale:
        parts += [
            "## By number of rows",
            "p50 / p99 in ms from the moment a request was due; medians of the repeats.",
            scale_table(scale),
        ]
    if drawn:
        parts += ["## Plots", "\n".join(f"![{title}](plots/{name}.svg)" for name, title, _ in drawn)]
    return "\n\n".join([*parts, END])


def main() -> None:
    """Writes plots and tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=BENCH, type=Path, help="holds results/, plots/ and RESULTS.md")
    folder = parser.parse_args().folder
    scale, peers = read(folder / "results" / "scale.jsonl"), read(folder / "results" / "peers.jsonl")
    drawn = plots(scale, peers)
    (folder / "plots").mkdir(exist_ok=True)
    for old in (folder / "plots").glob("*.svg"):
        old.unlink()
    for name, _, svg in drawn:
        (folder / "plots" / f"{name}.svg").write_text(svg)
    file = folder / "RESULTS.md"
    text = file.read_text() if file.exists() else "# Results\n"
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not marked.search(text):
        head, rest = (text + "\n").split("\n", 1)
        text = f"{head}\n\n{BEGIN}{END}\n{rest}"
    file.write_text(marked.sub(lambda _: section(scale, peers, drawn), text))


if __name__ == "__main__":
    main()
