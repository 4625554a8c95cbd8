#!/usr/bin/env python3
"""Counts activation regions exactly, in another way than the program does.

    python tools/recount.py network.json                    # all of R^n
    python tools/recount.py network.json --box=-1,1         # or one LO,HI for each input
    python tools/recount.py lines.json                      # an arrangement

Python's standard library only, integers and fractions only. A cell is a pointed cone
in homogeneous coordinates, given by its extreme rays (the vertices and the unbounded
directions of a polyhedron) with the set of constraints that is tight at each. A unit
whose values on the rays have both signs cuts the cell; the new rays lie on the edges
between rays of either sign (the double description method of Motzkin, Raiffa,
Thompson and Thrall 1953, with the combinatorial test of adjacency of Fukuda and
Prodon 1996). There is no linear program, no tolerance, and no certificate.

All of R^n: as many independent units of the first layer as there are become the
coordinates; they cut space into orthants, which are simplicial cones.

Reads this project's JSON of networks (dense layers, and plain convolutions) and of
arrangements; tools/onnx_to_json.py makes the former from ONNX. Prints the count,
the cells after each layer, and the digest of the patterns, which equals the
program's when both found the same set of patterns.
"""

import argparse
import json
import sys
import time
from fractions import Fraction
from itertools import product
from math import gcd, lcm

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key(unit, sign):
    k = 3 * unit + "-0+".index(sign)
    return mix((2 * k + 1) * GOLDEN & MASK) << 64 | mix((2 * k + 2) * GOLDEN & MASK)


def digest(patterns):
    total = 0
    for pattern in patterns:
        code = 0
        for unit, sign in enumerate(pattern):
            code ^= key(unit, sign)
        high, low = code >> 64, code & MASK
        high = mix(high ^ mix(low))
        total += high << 64 | mix((low + high) & MASK)
    return f"{total % (1 << 128):032x}"


def rational(value):
    """A number of the JSON format: text is exact, a decimal is the nearest f64."""
    return Fraction(value)


def primitive(row):
    """The row times the positive number that makes it coprime integers."""
    common = lcm(*(Fraction(v).denominator for v in row))
    return reduced([int(v * common) for v in row])


def reduced(row):
    divisor = gcd(*row)
    return [v // divisor for v in row] if divisor > 1 else row


class Cell:
    """`rays` are (coordinates, tight constraints as bits); `forms` the layer's values."""

    __slots__ = ("rays", "constraints", "pattern", "forms")

    def __init__(self, rays, constraints, pattern, forms):
        self.rays, self.constraints = rays, constraints
        self.pattern, self.forms = pattern, forms


def cut(cell, row, dimension):
    """(sign, cell) for each side of row = 0 on which the cell has interior points."""
    values = [sum(map(int.__mul__, row, ray)) for ray, _ in cell.rays]
    positive = any(v > 0 for v in values)
    negative = any(v < 0 for v in values)
    if not (positive and negative):
        return [("+" if positive else "-" if negative else "0", cell)]
    bit = 1 << cell.constraints
    above, below, zeros = [], [], []
    for (ray, tight), value in zip(cell.rays, values):
        (above if value > 0 else below if value < 0 else zeros).append((ray, tight, value))
    shared = [(ray, tight | bit) for ray, tight, _ in zeros]
    masks = [tight for _, tight in cell.rays]
    least = dimension - 2
    for p, p_tight, p_value in above:
        for m, m_tight, m_value in below:
            common = p_tight & m_tight
            if common.bit_count() < least:
                continue
            # Adjacent when no third ray is tight wherever both are.
            others = 0
            for mask in masks:
                if mask & common == common:
                    others += 1
                    if others > 2:
                        break
            if others == 2:
                new = [p_value * b - m_value * a for a, b in zip(p, m)]
                shared.append((reduced(new), common | bit))

    def side(sign, part):
        rays = [(ray, tight) for ray, tight, _ in part] + shared
        return sign, Cell(rays, cell.constraints + 1, cell.pattern, cell.forms)

    return [side("+", above), side("-", below)]


def independent(rows):
    """Numbers of rows whose normals are a basis of the space of all normals."""
    basis, chosen = [], []
    for number, row in enumerate(rows):
        rest = list(row[:-1])
        for pivot, other in basis:
            if rest[pivot]:
                factor = rest[pivot] / other[pivot]
                rest = [a - factor * b for a, b in zip(rest, other)]
        pivot = next((k for k, v in enumerate(rest) if v), None)
        if pivot is not None:
            basis.append((pivot, rest))
            chosen.append(number)
    return chosen


def solve(columns, target):
    """The c with sum of c_i columns[i] = target, which exists and is unique."""
    count = len(columns)
    rows = [[column[r] for column in columns] + [target[r]] for r in range(len(target))]
    for k in range(count):
        pivot = next(r for r in range(k, len(rows)) if rows[r][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for r, row in enumerate(rows):
            if r != k and row[k]:
                factor = row[k]
                rows[r] = [a - factor * b for a, b in zip(row, rows[k])]
    assert not any(row[-1] for row in rows[count:])
    return [rows[k][-1] for k in range(count)]


def everywhere(rows):
    """The first layer in coordinates that are its own units, and the orthants."""
    chosen = independent(rows)
    basis = [rows[k] for k in chosen]
    inner = []
    for row in rows:
        c = solve([b[:-1] for b in basis], row[:-1]) if basis else []
        inner.append(c + [row[-1] - sum(x * b[-1] for x, b in zip(c, basis))])
    dimension = len(basis) + 1
    cells = []
    for signs in product((1, -1), repeat=len(basis)):
        rays = []
        # Constraint k says that coordinate k has its sign, the last that w > 0.
        for k in range(dimension):
            ray = [0] * dimension
            ray[k] = signs[k] if k < len(signs) else 1
            rays.append((ray, ((1 << dimension) - 1) ^ (1 << k)))
        cells.append(Cell(rays, dimension, "", None))
    orthants = product("+-", repeat=len(basis))
    return dimension, inner, list(zip(cells, (dict(zip(chosen, signs)) for signs in orthants)))


def in_box(rows, sides):
    """The first layer without the inputs that the box fixes, and the box as one cell."""
    if any(lo > hi for lo, hi in sides):
        return 1, [], []
    free = [k for k, (lo, hi) in enumerate(sides) if lo < hi]
    inner = [
        [row[k] for k in free] + [row[-1] + sum(row[k] * lo for k, (lo, hi) in enumerate(sides) if lo == hi)]
        for row in rows
    ]
    rays = []
    for ends in product((0, 1), repeat=len(free)):
        corner = [sides[k][end] for k, end in zip(free, ends)] + [Fraction(1)]
        rays.append((primitive(corner), sum(1 << (2 * k + end) for k, end in enumerate(ends))))
    return len(free) + 1, inner, [(Cell(rays, 2 * len(free), "", None), {})]


def search(layers, sides=None, progress=False):
    """The patterns, and how many cells there are after each layer."""
    if not layers:
        return [""], []
    first = layers[0]
    dimension, inner, start = everywhere(first) if sides is None else in_box(first, sides)
    units = [len(layer) for layer in layers]
    # Weights as integers: layer l times scale[l].
    scales = [lcm(1, *(v.denominator for row in layer for v in row)) for layer in layers]
    whole = [[[int(v * s) for v in row] for row in layer] for layer, s in zip(layers, scales)]
    patterns, after = [], [set() for _ in layers]

    def forms_after(depth, cell, signs):
        """The next layer's forms times a positive number, common to all of them."""
        values, denominator = cell.forms
        active = [form if s == "+" else None for form, s in zip(values, signs)]
        scale = scales[depth]
        result = []
        for row in whole[depth]:
            total = [0] * dimension
            for weight, form in zip(row, active):
                if weight and form is not None:
                    total = [t + weight * v for t, v in zip(total, form)]
            total[-1] += row[-1] * denominator
            result.append(total)
        denominator *= scale
        common = gcd(denominator, *(v for row in result for v in row))
        return [[v // common for v in row] for row in result], denominator // common

    # Depth first, so that memory is bounded by what is open.
    def descend(depth, cell, known):
        values = cell.forms[0]
        stack = [(cell, "")]
        while stack:
            current, signs = stack.pop()
            unit = len(signs)
            if unit == len(values):
                prefix = cell.pattern + signs
                assert prefix not in after[depth], "a pattern came back"
                after[depth].add(prefix)
                if depth + 1 == len(layers):
                    patterns.append(prefix)
                    if progress and len(patterns) % 1000 == 0:
                        print(len(patterns), file=sys.stderr)
                    continue
                forms = forms_after(depth + 1, Cell(None, 0, "", cell.forms), signs)
                descend(depth + 1, Cell(current.rays, current.constraints, prefix, forms), {})
            elif unit in known:
                stack.append((current, signs + known[unit]))
            else:
                parts = cut(current, reduced(values[unit]), dimension)
                stack.extend((part, signs + sign) for sign, part in parts)

    common = lcm(1, *(v.denominator for row in inner for v in row))
    forms = ([[int(v * common) for v in row] for row in inner], common)
    for cell, known in start:
        cell.forms = forms
        descend(0, cell, known)
    assert len(set(patterns)) == len(patterns)
    return patterns, list(zip(units, map(len, after)))


def convolution(layer, shape):
    """Rows of a convolution without padding, channels last, and its output's shape."""
    assert not set(layer) & {"pad", "dilation", "groups", "order", "input_shape"}
    weight = layer["weight"]
    stride = layer.get("stride", 1)
    height, width, channels = shape
    kernel = len(weight[0]), len(weight[0][0])
    output = (height - kernel[0]) // stride + 1, (width - kernel[1]) // stride + 1, len(weight)
    bias = layer.get("bias", [0] * len(weight))
    rows = []
    for i, j, f in product(*map(range, output)):
        row = [Fraction(0)] * (height * width * channels) + [rational(bias[f])]
        for a, b, c in product(range(kernel[0]), range(kernel[1]), range(channels)):
            at = ((i * stride + a) * width + j * stride + b) * channels + c
            row[at] = rational(weight[f][a][b][c])
        rows.append(row)
    return rows, output


def network(document):
    """Rows of weights and bias of every layer with a ReLU."""
    layers, shape = [], document.get("input_shape")
    implied = not any("type" in layer or "activation" in layer for layer in document["layers"])
    for layer in document["layers"]:
        kind = layer.get("type", "dense")
        if kind == "conv":
            rows, shape = convolution(layer, shape)
        else:
            assert kind == "dense", "dense and conv layers only"
            weight = layer["weight"]
            bias = layer.get("bias", [0] * len(weight))
            rows = [[rational(v) for v in [*row, b]] for row, b in zip(weight, bias, strict=True)]
            shape = [len(weight)]
        assert implied or layer.get("activation") == "relu", "a ReLU after every layer"
        layers.append(rows)
    return layers[:-1] if implied else layers


def arrangement(document):
    return [[[rational(v) for v in row] for row in document["hyperplanes"]]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--box", help="LO,HI for all inputs, or for each; a bounded box")
    parser.add_argument("--progress", action="store_true")
    options = parser.parse_args()
    source = sys.stdin if options.file == "-" else open(options.file, encoding="utf-8")
    document = json.load(source)
    layers = arrangement(document) if "hyperplanes" in document else network(document)
    sides = None
    if options.box:
        ends = [rational(v) for v in options.box.split(",")]
        inputs = len(layers[0][0]) - 1
        pairs = list(zip(ends[::2], ends[1::2], strict=True))
        sides = pairs * inputs if len(pairs) == 1 else pairs
        assert len(sides) == inputs, "one interval for each input"
    start = time.process_time()
    patterns, after = search(layers, sides, options.progress)
    answer = {
        "count": str(len(patterns)),
        "layers": [{"units": units, "cells": str(cells)} for units, cells in after],
        "digest": digest(patterns),
        "seconds": round(time.process_time() - start, 2),
    }
    print(json.dumps(answer))


main()
