#!/usr/bin/env python3
"""Writes fixtures/arrangements/*.json and fixtures/networks/json/*.json.

Python's standard library only. Every number follows from a formula or from
SplitMix64, so that the files are the same everywhere.
"""

from itertools import combinations
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


class Random:
    """SplitMix64 (Steele, Lea, Flood 2014)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def integer(self, low, high):
        return low + self.next() % (high - low + 1)

    def row(self, length, size):
        return [self.integer(-size, size) for _ in range(length)]

    def rows(self, count, length, size):
        return [self.row(length, size) for _ in range(count)]


def power(exponent, factor=1):
    """factor * 2^exponent, exactly."""
    return factor * 2**exponent if exponent >= 0 else f"{factor}/{2**-exponent}"


def number(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def nested(value):
    if isinstance(value, list):
        return "[" + ", ".join(nested(v) for v in value) + "]"
    return number(value)


def lines(rows, indent):
    space = " " * indent
    return "[\n" + ",\n".join(space + "  " + nested(row) for row in rows) + f"\n{space}]" if rows else "[]"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def arrangement(name, about, dim, rows):
    assert all(len(row) == dim + 1 for row in rows)
    text = f'{{\n  "about": "{about}",\n  "dim": {dim},\n  "hyperplanes": {lines(rows, 2)}\n}}\n'
    write(FIXTURES / "arrangements" / f"{name}.json", text)


def network(name, about, head, layers):
    """`layers`: (extra text, weight, bias or None)."""
    parts = []
    for extra, weight, bias in layers:
        part = f'    {{{extra}"weight": {lines(weight, 4)}'
        part += "" if bias is None else f', "bias": {nested(bias)}'
        parts.append(part + "}")
    body = ",\n".join(parts)
    text = f'{{\n  "about": "{about}",\n  {head},\n  "layers": [\n{body}\n  ]\n}}\n'
    write(FIXTURES / "networks" / "json" / f"{name}.json", text)


def dense(name, about, inputs, layers):
    network(name, about, f'"input_dim": {inputs}', [("", w, b) for w, b in layers])


def unit_row(n, entries, constant=0):
    row = [0] * n + [constant]
    for place, value in entries.items():
        row[place] = value
    return row


def deformed_braid(n, shifts):
    return [unit_row(n, {i: 1, j: -1}, -s) for i, j in combinations(range(n), 2) for s in shifts]


def bits(code, n):
    return [code >> i & 1 for i in range(n)]


def arrangements():
    arrangement("empty", "No hyperplanes.", 3, [])
    boolean = [unit_row(10, {i: 1}) for i in range(10)]
    arrangement("boolean-10", "Coordinate hyperplanes of R^10.", 10, boolean)
    arrangement("braid-6", "x_i = x_j, i < j, n = 6.", 6, deformed_braid(6, [0]))
    rows = [unit_row(4, {i: 1}) for i in range(4)]
    for i, j in combinations(range(4), 2):
        rows += [unit_row(4, {i: 1, j: -1}), unit_row(4, {i: 1, j: 1})]
    arrangement("type-b-4", "x_i = 0, x_i = x_j, x_i = -x_j, n = 4.", 4, rows)
    arrangement("shi-5", "x_i - x_j = 0, 1 for i < j, n = 5.", 5, deformed_braid(5, [0, 1]))
    arrangement("catalan-4", "x_i - x_j = -1, 0, 1 for i < j, n = 4.", 4, deformed_braid(4, [-1, 0, 1]))
    arrangement("linial-5", "x_i - x_j = 1 for i < j, n = 5.", 5, deformed_braid(5, [1]))
    arrangement("semiorder-4", "x_i - x_j = -1, 1 for i < j, n = 4.", 4, deformed_braid(4, [-1, 1]))
    for n in (4, 5):
        rows = [bits(code, n) + [0] for code in range(1, 2**n)]
        arrangement(f"resonance-{n}", f"All nonzero normals of zeros and ones in R^{n}, through 0.", n, rows)
    for n in (3, 4):
        rows = [[1] + bits(code, n) + [0] for code in range(2**n)]
        arrangement(f"threshold-{n}", f"Normals (1, x), x in {{0, 1}}^{n}, through 0.", n + 1, rows)
    for dim, count in ((3, 12), (5, 20)):
        rows = Random(dim).rows(count, dim + 1, 100_000)
        arrangement(f"generic-{dim}-{count}", f"{count} random integer hyperplanes in R^{dim}.", dim, rows)
    rows = [row[:4] + [0] for row in Random(10).rows(10, 5, 100_000)]
    arrangement("generic-central-4-10", "10 random integer hyperplanes through 0 in R^4.", 4, rows)
    # s (x - 1/3) + 9 (y - 1/7)
    slopes = [-40, -17, -5, -1, 0, 2, 9, 23, 38]
    rows = [[s, 9, f"{-7 * s - 27}/21"] for s in slopes]
    arrangement("pencil-9", "9 lines through (1/3, 1/7), which no f64 is.", 2, rows)
    rows = [[s, 9, float((-7 * s - 27) / 21)] for s in slopes]
    arrangement("pencil-9-rounded", "The same with constants rounded to f64: nearly concurrent.", 2, rows)
    rows = [[1, 0, 0, -c] for c in range(3)] + [[0, 1, 0, -c] for c in range(4)] + [[0, 0, 1, -c] for c in range(2)]
    arrangement("parallel-3-4-2", "3, 4 and 2 parallel planes in three directions.", 3, rows)
    triangle = [[1, 0, 0], [0, 1, 0], [-1, -1, power(-40)]]
    arrangement("triangle", "Three lines around a triangle of size 2^-40.", 2, triangle)
    others = [[3, 7, -1], [-5, 2, 4], [2, -9, 3], [8, 1, 5]]
    arrangement("triangle-and-lines", "The same and four other lines.", 2, triangle + others)
    size = power(-40)
    slanted = [[3, 7, -1], [-5, 2, 4], [2, -9, power(-40, 1 - 3 * 2**40)]]
    arrangement("triangle-slanted", "A triangle of about 2^-40 between slanted lines, and others.", 2, slanted + [[1, 0, 0], [0, 1, 0], [1, 1, -1]])
    strip = [[1, 0, 0], [1, 0, "-" + size], [1, size, 0], [1, "-" + size, power(-41)], [3, 5, -1]]
    arrangement("strip", "A strip of width 2^-40, lines nearly along it, and one across.", 2, strip)
    simplex = [unit_row(4, {i: 1}) for i in range(4)] + [[-1, -1, -1, -1, size]]
    arrangement("simplex", "Five hyperplanes around a simplex of size 2^-40 in R^4.", 4, simplex)
    planes = [[3, 1, 4, 1], [5, -9, 2, 6], [-5, 3, 5, 8], [9, 7, -9, 3], [2, 3, 8, -4]]
    thirds = [[f"{-v}/3" for v in row] for row in planes]
    copies = planes + [[-v for v in row] for row in planes] + [[7 * v for v in row] for row in planes] + thirds
    arrangement("copies", "Five planes, their negatives, 7 times and -1/3 times them.", 3, copies)
    rows = planes + [row[:3] + [row[3] + 1] for row in planes[:2]] + [[0, 0, 0, 5], [0, 0, 0, -5], [0, 0, 0, 0]]
    arrangement("parallels-and-constants", "Five planes, two parallel to them, and rows without a normal: 5, -5 and 0.", 3, rows)
    rows = [[1e300, 1e-300, 1], [1e-300, 1e300, -1], [1e300, -1e300, 1e-300], [1e-300, 1e-300, 1e300]]
    arrangement("sizes", "Coefficients from 1e-300 to 1e300.", 2, rows)
    rows = [[2, -1], [2, -1], [-4, 2], [3, 0], ["1/3", "-1/7"], [0, 1]]
    arrangement("points", "Points on the line: 1/2 three times, 0, 3/7, and a row that is none.", 1, rows)


def networks():
    # The map 2 relu(x) - 4 relu(x - 1/2), eight times.
    halves = [0, "-1/2"]
    layers = [([[1], [1]], halves)] + [([[2, -4], [2, -4]], halves)] * 7 + [([[2, -4]], [0])]
    dense("tent-8", "The tent map of [0, 1], iterated 8 times.", 1, layers)
    conv = '"type": "conv", "activation": "relu", '
    random = Random(1)
    filters = [[[[random.integer(-1000, 1000)] for _ in range(2)] for _ in range(2)] for _ in range(2)]
    bias = random.row(2, 1000)
    network("conv-2d", "3x3x1, two 2x2 filters: 255 regions, where Theorem 2's formula says 256.", '"input_shape": [3, 3, 1]', [(conv, filters, bias)])
    rows, biases = [], []
    for i in range(2):
        for j in range(2):
            for _ in range(2):
                row = [0] * 9
                for a in range(2):
                    for b in range(2):
                        row[(i + a) * 3 + j + b] = random.integer(-1000, 1000)
                rows.append(row)
                biases.append(random.integer(-1000, 1000))
    relu = '"activation": "relu", '
    network("conv-2d-unshared", "The same windows, but every position has weights of its own.", '"input_dim": 9', [(relu, rows, biases)])
    filters = [[[[3], [-5]]], [[[7], [2]]]]
    network("conv-1d", "1x3x1, two filters of 2.", '"input_shape": [1, 3, 1]', [(conv, filters, [1, -4])])
    network("conv-1d-zero-bias", "The same without biases.", '"input_shape": [1, 3, 1]', [(conv, filters, None)])
    network("conv-1d-strided", "1x7x1, two filters of 3 with stride 2: windows share one input.", '"input_shape": [1, 7, 1]', [(conv + '"stride": 2, ', [[[[3], [-5], [2]]], [[[7], [2], [-4]]]], [1, -4])])
    # relu(h) - relu(-h) = h, for three lines h.
    lines = [[3, 7], [-5, 2], [2, -9]]
    offsets = [-1, 4, 3]
    first = (lines + [[-v for v in row] for row in lines], offsets + [-v for v in offsets])
    second = [[1, 0, 0, -1, 0, 0], [0, 2, 0, 0, -2, 0], [0, 0, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 3, 0], [1, 0, 0, -1, 1, -1]]
    third = [[1, -1, 2, 0, 1, 1], [0, 1, 0, -1, 0, 1], [-1, 0, 0, 1, 0, 0]]
    dense("vanishing", "The second layer vanishes on lines of the first or on whole cells.", 2, [first, (second, [0] * 6), (third, [0, 0, -1]), ([[1, 1, 1]], [0])])
    random = Random(2)
    dead = [[-abs(v) for v in random.row(6, 9)] for _ in range(5)]
    dead[0][2] = 4
    first = (random.rows(6, 2, 9), random.row(6, 9))
    dense("dead-layer", "A second layer that is dead on a large set.", 2, [first, (dead, [-3, -1, 0, -2, -5]), (random.rows(4, 5, 5), random.row(4, 5)), ([[1] * 4], [0])])
    random = Random(3)
    dense("zero-bias-3", "Small integers, no biases: every hyperplane through 0.", 3, [(random.rows(8, 3, 4), None), (random.rows(6, 8, 4), None), ([[1] * 6], None)])
    random = Random(4)
    wide = [[power(random.integer(-20, 20), random.integer(-9, 9)) for _ in range(3)] for _ in range(9)]
    deep = [[power(random.integer(-20, 20), random.integer(-9, 9)) for _ in range(9)] for _ in range(7)]
    offset = [power(random.integer(-20, 20), random.integer(-9, 9)) for _ in range(16)]
    dense("wide-weights", "Weights from 2^-20 to 9 times 2^20 in one layer.", 3, [(wide, offset[:9]), (deep, offset[9:]), ([[1] * 7], [0])])
    random = Random(5)
    lines = random.rows(5, 3, 9)
    offsets = random.row(5, 9)
    first = lines + [[-v for v in lines[0]], lines[1], [power(-9, v) for v in lines[2]]]
    second = random.rows(4, 8, 3)
    second += [second[0], [-v for v in second[1]]]
    dense("copies", "Equal, negated and scaled units in two layers.", 3, [(first, offsets + [-offsets[0], offsets[1], power(-9, offsets[2])]), (second, [1, -2, 3, 0, 1, 2]), ([[1] * 6], [0])])
    random = Random(6)
    dense("ternary", "Weights and biases of -1, 0 and 1.", 3, [(random.rows(8, 3, 1), random.row(8, 1)), (random.rows(6, 8, 1), random.row(6, 1)), (random.rows(5, 6, 1), random.row(5, 1)), ([[1] * 5], [0])])
    random = Random(7)

    def fractions(count, length):
        return [[f"{random.integer(-9, 9)}/{random.integer(1, 9)}" for _ in range(length)] for _ in range(count)]

    dense("fractions", "Fractions, mostly no f64.", 3, [(fractions(7, 3), fractions(1, 7)[0]), (fractions(6, 7), fractions(1, 6)[0]), ([[1] * 6], [0])])
    random = Random(8)
    basis = random.rows(2, 5, 3)
    first = []
    for _ in range(7):
        p, q = random.row(2, 3)
        first.append([p * a + q * b for a, b in zip(*basis)])
    dense("rank-2", "5 inputs of which the weights see two dimensions.", 5, [(first, random.row(7, 9)), (random.rows(5, 7, 3), random.row(5, 9)), ([[1] * 5], [0])])
    random = Random(9)
    dense("narrow", "A layer of one unit in the middle: behind it there is one dimension.", 3, [(random.rows(6, 3, 9), random.row(6, 9)), (random.rows(1, 6, 9), [5]), (random.rows(4, 1, 9), random.row(4, 99)), ([[1] * 4], [0])])
    random = Random(10)
    dense("constant-units", "Units without weights, with biases 5, -5 and 0.", 2, [(random.rows(4, 2, 9) + [[0, 0]] * 3, random.row(4, 9) + [5, -5, 0]), (random.rows(4, 7, 5), random.row(4, 5)), ([[1] * 4], [0])])
    dense("no-units", "An affine map: one region.", 2, [([[1, 2], [3, 4]], [5, 6])])
    random = Random(11)
    dense("deep-4", "Six layers of random integers, 4 inputs.", 4, [(random.rows(6, 4, 99), random.row(6, 99))] + [(random.rows(6, 6, 99), random.row(6, 99)) for _ in range(5)] + [([[1] * 6], [0])])


arrangements()
networks()
