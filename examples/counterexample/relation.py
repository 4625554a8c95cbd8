#!/usr/bin/env python3
"""Why two 2x2 filters on a 3x3 input never have 256 activation regions, but 255.

    python examples/counterexample/relation.py

1. An identity of polynomials: the eight units of such a layer satisfy one linear relation,
   whatever the weights and biases are.
2. From it, for the network in network.json: the sign pattern that no input has, with its
   Farkas certificate, and for each of the other 255 patterns an input that has it.
3. The ranks on which the general argument in README.md rests, for many small weights.

Everything is computed with integers and fractions by Python's standard library alone. The exit
code is 1 when anything is not as it is claimed."""
import json
import random
import sys
from collections import Counter
from fractions import Fraction
from itertools import product
from pathlib import Path

TAPS = list(product(range(2), repeat=2))  # of a filter; also the positions of its window
PIXELS = list(product(range(3), repeat=2))


def demand(condition, claim):
    if not condition:
        sys.exit(f"wrong: {claim}")


# ---- 1. The relation, as an identity of polynomials -----------------------------------
# A polynomial is {monomial: coefficient}, a monomial a sorted tuple of variables.


def add(*polynomials):
    total = Counter()
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            total[monomial] += coefficient
    return {monomial: c for monomial, c in total.items() if c}


def times(a, b):
    return add(*({tuple(sorted(m + n)): c * d} for m, c in a.items() for n, d in b.items()))


def variable(name):
    return {(name,): 1}


def minus(polynomial):
    return {monomial: -c for monomial, c in polynomial.items()}


def convolution(weights, bias, x):
    """The filter at each position: sum of w[a] x[p + a] over the taps a, plus the bias."""
    return {
        (i, j): add(bias, *(times(weights[a, b], x[i + a, j + b]) for a, b in TAPS))
        for i, j in TAPS
    }


def check_identity():
    """sum_p g[p] F[p] - sum_p f[p] G[p] = s sum(g) - t sum(f) for the units F = f * x + s and
    G = g * x + t: without biases both sums are sums of f[a] g[b] x[a + b]."""
    f, g = ({p: variable(f"{name}{p}") for p in TAPS} for name in "fg")
    s, t = variable("s"), variable("t")
    x = {p: variable(f"x{p}") for p in PIXELS}
    first, second = convolution(f, s, x), convolution(g, t, x)
    left = add(*(times(g[p], first[p]) for p in TAPS), *(minus(times(f[p], second[p])) for p in TAPS))
    right = add(times(s, add(*g.values())), minus(times(t, add(*f.values()))))
    demand(left == right, "the relation holds for all weights, biases and inputs")
    demand(not any(name.startswith("x") for monomial in left for name in monomial),
           "the left side does not depend on the input")
    print("sum g[p] F[p] - sum f[p] G[p] = s sum(g) - t sum(f): an identity of polynomials")


# ---- 2. The network -------------------------------------------------------------------


def read_network(path):
    """Its two filters as {tap: weight} and their biases."""
    (layer,) = json.loads(path.read_text())["layers"]
    filters = [{(a, b): w[a][b][0] for a, b in TAPS} for w in layer["weight"]]
    return filters, layer["bias"]


def forms(filters, biases):
    """Unit by unit in the order of patterns (row, column, filter): coefficients, constant."""
    rows = []
    for i, j in TAPS:
        for weights, bias in zip(filters, biases):
            row = {(i + a, j + b): weights[a, b] for a, b in TAPS}
            rows.append(([row.get(p, 0) for p in PIXELS], bias))
    return rows


def dot(a, b):
    return sum(v * w for v, w in zip(a, b))


def eliminate(rows, columns):
    """Reduced rows with their pivots, by Gauss and Jordan; pivots in the first columns."""
    reduced = []
    for row in rows:
        row = [Fraction(v) for v in row]
        for pivot, other in reduced:
            row = [v - row[pivot] * w for v, w in zip(row, other)]
        pivot = next((k for k in range(columns) if row[k]), None)
        if pivot is None:
            demand(not any(row), "the equations have a solution")
            continue
        row = [v / row[pivot] for v in row]
        reduced = [(k, [v - other[pivot] * w for v, w in zip(other, row)]) for k, other in reduced]
        reduced.append((pivot, row))
    return reduced


def rank(rows):
    return len(eliminate(rows, len(rows[0])))


def sign(value):
    return "-0+"[(value > 0) - (value < 0) + 1]


def check_network(filters, biases):
    units = forms(filters, biases)
    f, g = filters
    relation = [weight for p in TAPS for weight in (g[p], -f[p])]
    constant = biases[0] * sum(g.values()) - biases[1] * sum(f.values())
    for k in range(len(PIXELS)):
        demand(dot(relation, [row[k] for row, _ in units]) == 0, "the relation")
    demand(dot(relation, [bias for _, bias in units]) == constant, "the relation's constant")
    demand(all(relation) and constant, "no weight is zero, nor the constant")
    demand(rank([row for row, _ in units]) == 7, "there is no other relation")
    names = [f"{name}{i}{j}" for i, j in TAPS for name in "FG"]
    print("\nunit  on x00 x01 x02 x10 x11 x12 x20 x21 x22  constant  multiplier in the relation")
    for name, (row, bias), multiplier in zip(names, units, relation):
        print(f"{name}      {' '.join(f'{v:3}' for v in row)}  {bias:8}  {multiplier:10}")
    print(f"relation: sum of multiplier times unit = {constant}")

    # All terms of the relation have the sign that its constant does not have.
    wrong = -1 if constant > 0 else 1
    missing = "".join(sign(wrong * multiplier) for multiplier in relation)
    # Farkas: non-negative multiples of s h, positive on the region, that sum to a negative.
    signs = [1 if s == "+" else -1 for s in missing]
    sums = [sum(abs(m) * s * row[k] for m, s, (row, _) in zip(relation, signs, units)) for k in range(9)]
    total = sum(abs(m) * s * bias for m, s, (_, bias) in zip(relation, signs, units))
    demand(not any(sums) and total == -abs(constant) < 0, "the Farkas certificate")
    terms = " + ".join(f"{abs(m)}({s}{name})" for m, s, name in zip(relation, missing, names))
    print(f"no input has the pattern {missing}: {terms} = {total} < 0")

    found = set()
    for signs in product((-1, 1), repeat=8):
        pattern = "".join(sign(s) for s in signs)
        if pattern != missing:
            point = input_with(signs, relation, constant, units)
            demand("".join(sign(dot(row, point) + bias) for row, bias in units) == pattern,
                   "a pattern's input has the pattern")
            found.add(pattern)
    demand(len(found) == 255, "there are 255 other patterns")
    print("each of the other 255 patterns has an input")


def input_with(signs, relation, constant, units):
    """Values of the units with these signs that satisfy the relation; then an input that has
    these values, which exists as there is no other relation."""
    values = [Fraction(s) for s in signs]
    total = dot(relation, values)
    if total * constant > 0:
        values = [v * constant / total for v in values]
    else:  # a term of the constant's sign grows as far as need be
        k = next(k for k, m in enumerate(relation) if m * signs[k] * constant > 0)
        values[k] += (constant - total) / relation[k]
    solved = eliminate([row + [v - bias] for (row, bias), v in zip(units, values)], 9)
    point = [Fraction(0)] * 9
    for pivot, row in solved:
        point[pivot] = row[-1]
    return point


# ---- 3. When there is no other relation -----------------------------------------------


def check_ranks():
    """Rank 7 whenever f00 f11 != f01 f10 and g is no multiple of f, both without zeros; less
    where f and g have a common factor."""
    rng = random.Random(1)
    nonzero = [v for v in range(-5, 6) if v]
    checked = 0
    while checked < 300:
        f, g = ({p: rng.choice(nonzero) for p in TAPS} for _ in "fg")
        multiple = all(f[p] * g[q] == f[q] * g[p] for p in TAPS for q in TAPS)
        if f[0, 0] * f[1, 1] != f[0, 1] * f[1, 0] and not multiple:
            demand(rank([row for row, _ in forms([f, g], [0, 0])]) == 7, f"rank 7 for {f}, {g}")
            checked += 1
    for _ in range(30):  # (a + b z)(c + d w) and (a + b z)(c' + d' w)
        a, b, *others = (rng.choice(nonzero) for _ in range(6))
        f, g = ({(i, j): (a, b)[i] * pair[j] for i, j in TAPS} for pair in (others[:2], others[2:]))
        demand(rank([row for row, _ in forms([f, g], [0, 0])]) < 7, f"rank below 7 for {f}, {g}")
    print(f"\nrank 7 for {checked} pairs of filters, less for 30 pairs with a common factor")


if __name__ == "__main__":
    check_identity()
    check_network(*read_network(Path(__file__).parent / "network.json"))
    check_ranks()
