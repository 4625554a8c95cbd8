#!/usr/bin/env python3
"""Verifies a proof that `chambers count MODEL --proof PROOF` wrote.

    chambers inspect MODEL --listing LISTING
    python tools/check_proof.py PROOF LISTING

Exits with 0: VERIFIED, 3: INCOMPLETE (a lower bound is proved), 1: REJECTED, 2: no such file.
To be read next to docs/proofs.md, which defines the format and shows why a proof that passes is
one; proof_file.py reads the file. Python 3.9 or later, its standard library only, no floats. A
form, an affine function of y in R^d, is a list of d + 1 integers: the coefficients and the
constant, all of them times the same positive number, which changes no sign."""
import hashlib
import json
import sys
from collections import Counter, namedtuple
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from operator import mul, xor

from proof_file import (Rejected, affine, demand, fields, number, read_json, read_listing,
                        read_records, signed, take, varints)

SIDE_NEGATIVE, SIDE_POSITIVE, SPLIT_NEGATIVE, SPLIT_POSITIVE, SPLIT_PENDING = range(5)  # trails
REGION, EMPTY, OPEN, ELSEWHERE, EXCLUDED = 3, 7, 11, 15, 19  # events that are leaves

# ---- Numbers and linear algebra
def integers(row):
    """Fractions times a positive number."""
    scale = lcm(*(value.denominator for value in row))
    divisor = gcd(*(int(value * scale) for value in row)) or 1
    return [int(value * scale) // divisor for value in row]

def rank(vectors):
    rows, count = list(vectors), 0
    while rows:
        top = rows.pop()
        if any(top):
            at, count = next(i for i, value in enumerate(top) if value), count + 1
            rows = [integers([top[at] * v - row[at] * w for v, w in zip(row, top)]) for row in rows]
    return count

def check_farkas(target, rows):
    """Where all rows are positive, target is not negative: q target = m_1 row_1 + ... + v for
    integers q > 0, m_i >= 0, v >= 0. Solves for m without fractions (Bareiss 1968: each
    division is exact); but then the identity itself is checked, so the solver is not trusted."""
    system, q = [list(equation) for equation in zip(*rows, target)][:-1], 1
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(system)) if system[i][k]), None)
        demand(pivot is not None, "the constraints are linearly dependent")
        system[k], system[pivot] = system[pivot], system[k]
        before, q, top = q, system[k][k], system[k]
        system = [row if row is top else [(q * a - row[k] * b) // before for a, b in zip(row, top)]
                  for row in system]
    sign = 1 if q > 0 else -1
    multipliers = [sign * equation[-1] for equation in system[:len(rows)]]
    demand(all(m >= 0 for m in multipliers), "a multiplier is negative")
    *rest, v = [sign * q * value - sum(map(mul, multipliers, column))
                for value, *column in zip(target, *rows)]
    demand(not any(rest), "the constraints do not combine to the form")
    demand(v >= 0, "the constant that is left over is negative")

def mixed(z, mask=(1 << 64) - 1):  # for the digest of patterns, which docs/output.md defines
    z = ((z & mask) ^ (z & mask) >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    return z ^ z >> 31

def through(maps, forms, scale, width):
    """The affine maps of forms, which are lists of this width and times the scale."""
    for factor, rows in maps:
        columns = [[form[c] for form in forms] for c in range(width)]
        forms = [[sum(map(mul, weights, [column[i] for i in inputs])) for column in columns]
                 for _, inputs, weights in rows]
        for form, (bias, _, _) in zip(forms, rows):
            form[-1] += bias * scale
        scale *= factor
    return forms, scale

# ---- Coordinates
class Chart:
    """The inputs as an affine map of y, and the forms of the first layer."""
    def __init__(self, value, inputs, first_maps):
        self.dimension, rows = fields(value, "dimension inputs")
        demand(self.dimension in range(inputs + 1), "a dimension that no chart can have")
        demand(len(rows) == inputs, "a chart does not have the network's inputs")
        self.map, self.width, self.sides = affine(rows, self.dimension), self.dimension + 1, []
        y = [[int(c == i) for c in range(self.width)] for i in range(self.dimension)]
        self.forms, self.scale = through([self.map, *first_maps], y, 1, self.width)

    def check_plain(self, domain, column):
        """The only chart, without rays; column(i) is that of F."""
        (scale, rows), owned, kept, spanned = self.map, [], [], []
        for i, ((lower, upper), (b, coordinates, a)) in enumerate(zip(domain, rows)):
            fixed, free, b = lower == upper is not None, lower is upper is None, Fraction(b, scale)
            if coordinates:
                demand(len(a) == 1 and a[0] and not fixed, "a kept input is fixed, or not b + a y")
                owned, kept = owned + coordinates, kept + [column(i)] * free
                form = [Fraction(a[0] * (c in coordinates), scale) for c in range(self.dimension)]
                self.sides += [] if lower is None else [integers(form + [b - lower])]
                self.sides += [] if upper is None else [integers([-v for v in form] + [upper - b])]
            elif fixed:
                demand(b == lower, "an input that the domain fixes has another value")
            elif free:
                spanned.append(column(i))
            else:
                demand(not any(column(i)), "an input that matters is not kept")
                demand((lower is None or lower < b) and (upper is None or b < upper),
                       "an input that does not matter is not inside of its interval")
        demand(sorted(owned) == list(range(self.dimension)), "a coordinate without one input")
        demand(rank(kept) == rank(kept + spanned), "the kept inputs do not span the others")

    def check_ray(self, lead, sign, columns):
        demand(not any(self.forms[lead][:-1]), "the lead is not constant on its chart")
        demand(sign * self.forms[lead][-1] > 0, "the lead has the wrong sign on its chart")
        demand(rank(zip(*self.forms)) == rank(columns), "the chart does not reach every F x")

# ---- The proof. In a node of the tree, signs are those of the units of the opened layers, None
# where undecided; the last of these layers has the forms, times the scale.
Node = namedtuple("Node", "trail constraints layers forms scale signs")

class Checker:
    def __init__(self, listing):
        self.place, self.network = "listing", hashlib.sha256(listing).hexdigest()
        self.inputs, self.layers = read_listing(listing.decode())
        self.regions, self.digest, self.complete, self.chunks = 0, 0, True, 0
        self.starts = Counter()  # how often a node starts a chunk, less how often it has to
        units = sum(units for units, _ in self.layers)
        keys = [mixed(k * 0x9E3779B97F4A7C15) for k in range(6 * units + 1)]
        self.keys = [high << 64 | low for high, low in zip(keys[1::2], keys[2::2])]

    def check(self, file):
        expected, checks = b"H", {b"H": self.header, b"C": self.chunk, b"F": self.footer}
        self.place = "record 0"
        for record, (kind, body) in enumerate(read_records(file), 1):
            demand(kind in checks and kind in expected, "such a record does not stand here")
            checks[kind](body)
            self.place, expected = f"record {record}", b"" if kind == b"F" else b"CF"
        demand(not expected, "the file ends without a footer")

    def header(self, body):
        _, _, network, domain, self.strict, lead, charts = read_json(
            body, "chambers model network domain strict lead charts")
        demand(network == self.network, f"network {network}, but the listing's is {self.network}")
        self.claim = f"domain {json.dumps(domain)}, strict {json.dumps(self.strict)}"
        domain = [[None if end is None else number(end) for end in ends] for ends in domain]
        demand(len(domain) == self.inputs, "the domain does not have the network's inputs")
        demand(type(self.strict) is bool, "strict is neither true nor false")
        units, maps = self.layers[0] if self.layers else (0, [])
        column = lambda i: [form[0] for form in through(  # of F: what it makes of a unit vector
            maps, [[int(i == j)] for j in range(self.inputs)], 0, 1)[0][:units]]
        self.charts = charts = [Chart(chart, self.inputs, maps) for chart in charts]
        if any(None not in ends and ends[0] > ends[1] for ends in domain):
            demand(not charts and lead is None, "an empty domain has no chart")
        elif lead is None:
            demand(len(charts) == 1, "without a lead there is one chart")
            charts[0].check_plain(domain, column)
        else:
            demand(len(charts) == 2 and lead in range(units), "no two charts, or no such lead")
            demand(all(ends == [None, None] for ends in domain), "rays need all of R^n")
            biases = [row[0] for _, maps in self.layers for _, rows in maps for row in rows]
            demand(not any(biases), "rays need biases that are zero")
            for chart, sign in zip(charts, (1, -1)):
                chart.check_ray(lead, sign, [column(i) for i in range(self.inputs)])
        for chart in range(len(charts)):
            self.count_start(chart, (), -1)

    def footer(self, body):
        regions, digest, complete, chunks = read_json(body, "regions digest complete chunks")
        demand(not any(self.starts.values()), "the chunks do not fit together")
        demand(chunks == self.chunks, f"not the number of chunks, {self.chunks}")
        demand(complete is self.complete, "not whether it is complete, which open leaves decide")
        demand(regions == str(self.regions), f"not the number of regions, {self.regions}")
        demand(digest == f"{self.digest % (1 << 128):032x}", "not the digest of the patterns")

    def count_start(self, chart, trail, change):
        self.starts[hashlib.sha256(repr((chart, trail)).encode()).digest()] += change

    def chunk(self, body):
        """Walks through a piece of the tree, event by event."""
        numbers, place, self.pending = varints(body), self.place, []
        number, length, count = take(numbers), take(numbers), 0
        demand(number < len(self.charts), "there is no such chart")
        self.chart, self.chunks = self.charts[number], self.chunks + 1
        node = Node((), tuple(self.chart.sides), 0, [], 1, ())
        for _ in range(length):
            node = self.decide(self.open_layers(node), *divmod(take(numbers), 8))
        self.count_start(number, node.trail, 1)
        node = self.open_layers(node)
        for count, event in enumerate(numbers, 1):
            self.place = f"{place}, event {count}"
            demand(node, "the piece has ended before")
            if event == ELSEWHERE:
                demand(count > 1, "the first event is elsewhere")
                settled = ((u, SPLIT_POSITIVE if k == SPLIT_PENDING else k) for u, k in node.trail)
                self.count_start(number, tuple(settled), -1)
            node = self.after(event, node, numbers) or self.pending and self.pending.pop()
            node = node and self.open_layers(node)
        demand(count, "a chunk without an event")
        if node:
            self.count_start(number, node.trail, -1)

    def after(self, event, node, numbers):
        """Checks an event; the node that it leads to, None after a leaf."""
        def constraints(count):
            demand(count <= self.chart.dimension, "the constraints are linearly dependent")
            chosen = [take(numbers) for _ in range(count)]
            demand(all(k < len(node.constraints) for k in chosen), "there is no such constraint")
            return [node.constraints[k] for k in chosen]
        unit, kind = divmod(event, 4)
        if event == REGION:
            self.region(node, numbers)
        elif event == EMPTY:
            count, (first,) = take(numbers), constraints(1)
            check_farkas([-value for value in first], constraints(count))
        elif event == OPEN:
            self.complete = False
        elif event == EXCLUDED:
            demand(self.strict and 0 in node.signs, "excluded, but no unit is zero, or not strict")
        elif event != ELSEWHERE:
            demand(kind < 3, "there is no such leaf")
            how = (SPLIT_PENDING, SIDE_POSITIVE, SIDE_NEGATIVE)[kind]
            after = self.decide(node, unit + len(node.signs) - len(node.forms), how)
            if kind:
                target = node.forms[unit] if kind == 1 else [-value for value in node.forms[unit]]
                check_farkas(target, constraints(take(numbers)))
            return after

    def region(self, node, numbers):
        demand(node.layers == len(self.layers) and None not in node.signs, "a unit is undecided")
        demand(not self.strict or 0 not in node.signs, "strict, and a unit is zero")
        exponent = signed(take(numbers))
        demand(abs(exponent) <= 1 << 16, "the exponent is too large")
        point = [signed(take(numbers)) << max(exponent, 0) for _ in range(self.chart.dimension)]
        point.append(1 << max(-exponent, 0))
        for k, row in enumerate(node.constraints):
            demand(sum(map(mul, row, point)) > 0, f"the point is not inside of constraint {k}")
        keys = (self.keys[3 * unit + sign + 1] for unit, sign in enumerate(node.signs))
        high, low = divmod(reduce(xor, keys, 0), 1 << 64)
        a = mixed(high ^ mixed(low))
        self.digest, self.regions = self.digest + (a << 64) + mixed(low + a), self.regions + 1

    def decide(self, node, unit, how):
        demand(how <= SPLIT_PENDING, "there is no such way to decide a unit")
        demand(unit < len(node.signs) and node.signs[unit] is None, "a unit is not to be decided")
        def child(how):
            sign = -1 if how in (SIDE_NEGATIVE, SPLIT_NEGATIVE) else 1
            form = [sign * value for value in node.forms[unit - len(node.signs)]]
            constraints = node.constraints + ((integers(form),) if how >= SPLIT_NEGATIVE else ())
            return node._replace(trail=node.trail + ((unit, how),), constraints=constraints,
                                 signs=node.signs[:unit] + (sign,) + node.signs[unit + 1:])
        if how == SPLIT_PENDING:
            self.pending.append(child(SPLIT_NEGATIVE))
        return child(how)

    def open_layers(self, node):
        """Opens layers while no unit is undecided."""
        while node.layers < len(self.layers) and None not in node.signs:
            forms, scale = self.chart.forms, self.chart.scale
            if node.layers:
                zero, signs = [0] * self.chart.width, node.signs[len(node.signs) - len(node.forms):]
                forms = [form if sign == 1 else zero for form, sign in zip(node.forms, signs)]
                forms, scale = through(self.layers[node.layers][1], forms, node.scale, len(zero))
            signs = tuple(None if any(a) else (b > 0) - (b < 0) for *a, b in forms)
            node = Node(node.trail, node.constraints, node.layers + 1, forms, scale,
                        node.signs + signs)
        return node

def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    checker = None
    try:
        with open(arguments[0], "rb") as proof, open(arguments[1], "rb") as listing:
            checker = Checker(listing.read())
            checker.check(proof)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # nothing is verified that does not reach the end
        known = isinstance(error, Rejected)
        why = error if known else f"it is malformed ({type(error).__name__}: {error})"
        print(f"REJECTED: {checker.place if checker else 'listing'}: {why}")
        return 1
    verdict = "VERIFIED:" if checker.complete else "INCOMPLETE: at least"
    print(f"{verdict} {checker.regions} regions\n{checker.claim}")
    return 0 if checker.complete else 3

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
