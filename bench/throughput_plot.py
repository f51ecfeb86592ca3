"""Draws throughput over time as SVG: one panel for each kernel, one line for each way to run it."""
from xml.sax.saxutils import escape

WIDTH, PANEL, LEFT, TOP, GAP = 900, 200, 70, 40, 60
COLORS = {"auto": "#c0392b", "sampling": "#e67e22", "baseline": "#7f8c8d", "optimized": "#2980b9", "lli": "#8e44ad",
          "native": "#27ae60"}
WINDOWS = 120  # along the time axis


def rates(stamps, end):
    """Rounds a second in each window. The time before the first round, and after the last, has no rate."""
    window = end / WINDOWS
    counts = [0] * WINDOWS
    for stamp in stamps[1:]:
        if stamp < end:
            counts[int(stamp / window)] += 1
    last = min(int(stamps[-1] / window), WINDOWS)
    return [(index * window, count / window) for index, count in enumerate(counts[:last])]


def text(x, y, content, anchor="start", size=12, color="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}" '
            f'font-family="sans-serif">{escape(content)}</text>')


def panel(name, ways, top):
    end = sorted(stamps[-1] for stamps in ways.values())[-2]  # the slowest may leave the picture
    lines = {way: rates(stamps, end) for way, stamps in ways.items()}
    most = max(rate for points in lines.values() for _, rate in points)
    across, bottom = WIDTH - LEFT - 20, top + PANEL
    parts = [f'<rect x="{LEFT}" y="{top}" width="{across}" height="{PANEL}" fill="none" stroke="#bbb"/>',
             text(LEFT, top - 6, f"{name}: rounds a second over seconds since the process was started"),
             text(LEFT - 6, top + 10, f"{most:,.0f}", "end", 10), text(LEFT - 6, bottom, "0", "end", 10)]
    for step in range(6):
        parts.append(text(LEFT + across * step / 5, bottom + 14, f"{end * step / 5:.2f}", "middle", 10))
    for way, points in lines.items():
        path = " ".join(f"{LEFT + across * moment / end:.1f},{bottom - PANEL * rate / most:.1f}" for moment, rate in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[way]}" stroke-width="1.5"/>')
    return parts


def draw(kernels):
    """`kernels`: seconds at the end of each round, by kernel and way."""
    parts = []
    ways = list(next(iter(kernels.values())))
    for place, way in enumerate(ways):
        parts.append(text(LEFT + 110 * place, 16, way, color=COLORS[way]))
    for place, (name, by_way) in enumerate(kernels.items()):
        parts += panel(name, by_way, TOP + place * (PANEL + GAP))
    height = TOP + len(kernels) * (PANEL + GAP)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">'
            f'<rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n")
