#!/usr/bin/env python3
"""Tests of check_proof.py: python tools/test_check_proof.py

Proofs of tiny networks are made here, by recursive splitting with Fourier-Motzkin elimination
for points and all small sets of constraints for Farkas' lemma, and written by an encoder of the
format that shares nothing with the program or with the checker. Expected numbers come from
theory; each says from where. Broken proofs have right checksums unless they test these."""
import contextlib
import copy
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import tempfile
import unittest
from fractions import Fraction
from math import ceil, comb, floor

import check_proof

# ---- Geometry -------------------------------------------------------------------------


def between(lower, upper):
    """A dyadic number strictly between; None is infinite."""
    if lower is None:
        return Fraction(0) if upper is None else Fraction(ceil(upper) - 1)
    scale = 1
    while upper is not None and floor(lower * scale) + 1 >= upper * scale:
        scale *= 2
    return Fraction(floor(lower * scale) + 1, scale)


def point_inside(rows, d):
    """A point where all rows are positive, or None: Fourier-Motzkin elimination."""
    if d == 0:
        return [] if all(row[-1] > 0 for row in rows) else None
    rest = [row[:d - 1] + row[d:] for row in rows if row[d - 1] == 0]
    above = [row for row in rows if row[d - 1] > 0]
    below = [row for row in rows if row[d - 1] < 0]
    for a, b in itertools.product(above, below):
        mixed = [v / a[d - 1] - w / b[d - 1] for v, w in zip(a, b)]
        rest.append(mixed[:d - 1] + mixed[d:])
    y = point_inside(rest, d - 1)
    if y is None:
        return None
    bound = lambda row: -sum(a * v for a, v in zip([*row[:d - 1], row[-1]], [*y, 1])) / row[d - 1]
    lower = max(map(bound, above), default=None)
    upper = min(map(bound, below), default=None)
    if lower is not None and upper is not None and lower >= upper:
        return None
    return [*y, between(lower, upper)]


def solve(vectors, target):
    """Multipliers m with sum m_i vectors_i = target, or None; None for dependent vectors."""
    rows = [[Fraction(v) for v in row] for row in zip(*vectors, target)]
    for k in range(len(vectors)):
        pivot = next((row for row in rows[k:] if row[k]), None)
        if pivot is None:
            return None
        rows.remove(pivot)
        pivot = [v / pivot[k] for v in pivot]
        rows = [[v - row[k] * p for v, p in zip(row, pivot)] for row in rows]
        rows.insert(k, pivot)
    if any(row[-1] for row in rows[len(vectors):]):
        return None
    return [row[-1] for row in rows[:len(vectors)]]


def certificate(target, rows, d):
    """Numbers of constraints that show that target is not negative."""
    for size in range(d + 1):
        for chosen in itertools.combinations(range(len(rows)), size):
            m = solve([rows[i][:-1] for i in chosen], target[:-1])
            if m is not None and min(m, default=0) >= 0:
                if target[-1] - sum(a * rows[i][-1] for a, i in zip(m, chosen)) >= 0:
                    return list(chosen)
    return None


# ---- Networks: lists of "relu" and (weights, bias) ------------------------------------


def F(text):
    return Fraction(text)


def listing(inputs, layers):
    lines = [f"inputs {inputs}"]
    for layer in layers:
        if layer == "relu":
            lines.append("relu")
            continue
        weights, bias = layer
        lines.append(f"affine {len(weights)}")
        for row, b in zip(weights, bias):
            lines.append(" ".join([str(F(b))] + [f"{i}:{F(w)}" for i, w in enumerate(row) if F(w)]))
    return ("\n".join(lines) + "\n").encode()


def apply(layer, forms, width):
    weights, bias = layer
    out = []
    for row, b in zip(weights, bias):
        form = [sum(F(w) * form[c] for w, form in zip(row, forms)) for c in range(width)]
        form = [Fraction(v) for v in form]
        form[-1] += F(b)
        out.append(form)
    return out


# ---- Proofs ---------------------------------------------------------------------------


def build(layers, forms, constraints, d, strict, blind=False, cross=False, first=0):
    """The tree below a node where a layer begins. Forms are those of the layer's inputs. With
    cross, the hyperplanes of undecided units cross where they are found to."""
    layers = list(layers)
    if "relu" not in layers:
        return region(constraints, d)
    while layers[0] != "relu":
        forms = apply(layers.pop(0), forms, d + 1)
    layers.pop(0)
    signs = {}
    for u, form in enumerate(forms):
        if not any(form[:-1]):
            signs[u] = (form[-1] > 0) - (form[-1] < 0)
    if strict and 0 in signs.values():
        return ("excluded",)

    def grow(signs, constraints):
        u = next((u for u in range(len(forms)) if u not in signs), None)
        if u is None:
            after = [f if signs[k] > 0 else [Fraction(0)] * (d + 1) for k, f in enumerate(forms)]
            return build(layers, after, constraints, d, strict, blind, cross, first + len(forms))
        if cross and "relu" not in layers:
            undecided = [form for k, form in enumerate(forms) if k not in signs]
            leaf = crossing(undecided, constraints, d)
            if leaf is not None:
                return leaf
        form = forms[u]
        minus = [-v for v in form]
        if not blind:
            for sign, target in ((1, form), (-1, minus)):
                chosen = certificate(target, constraints, d)
                if chosen is not None:
                    return ("side", first, u, sign, chosen, grow({**signs, u: sign}, constraints))
        return ("split", first, u) + tuple(
            grow({**signs, u: sign}, constraints + [target])
            if not blind or point_inside(constraints + [target], d) is not None
            else empty(constraints + [target], d)
            for sign, target in ((1, form), (-1, minus)))

    return grow(signs, constraints)


def region(constraints, d):
    point = point_inside(constraints, d)
    exponent = max((v.denominator.bit_length() - 1 for v in point), default=0)
    return ("region", -exponent, [int(v * 2**exponent) for v in point])


def nearest(forms, y, d):
    """The nearest point to y where the forms vanish, or None: by Lagrange's multipliers."""
    columns = [[int(c == i) for i in range(d)] + [h[c] for h in forms] for c in range(d)]
    columns += [list(h[:d]) + [0] * len(forms) for h in forms]
    solution = solve(columns, list(y) + [-h[d] for h in forms])
    return None if solution is None else solution[:d]


def crossing(forms, constraints, d):
    """A leaf that stands for all signs of the forms, or None: tries the points of the flat that
    are nearest to a point of the cell, or to one of a grid."""
    for y in [point_inside(constraints, d), *itertools.product(range(-3, 4), repeat=min(d, 3))]:
        y = [*y, *[0] * (d - len(y))]
        p = nearest(forms, y, d)
        if p is None:
            return None
        if all(sum(a * v for a, v in zip(side, [*p, 1])) > 0 for side in constraints):
            exponent = max((Fraction(v).denominator.bit_length() - 1 for v in y), default=0)
            return ("crossing", -exponent, [int(v * 2**exponent) for v in y], len(forms))
    return None


def empty(constraints, d):
    last = len(constraints) - 1
    chosen = certificate([-v for v in constraints[last]], constraints[:last], d)
    return ("empty", last, chosen)


def pieces(chart, tree, cut, elsewhere):
    """Chunks [chart, trail, events], of at most so many events; elsewhere(events) says where."""
    chunks, queue = [], [([], tree)]
    while queue:
        trail, node = queue.pop()
        chunk, pending = [chart, list(trail), []], []
        while node is not None:
            events = chunk[2]
            if cut and len(events) >= cut:
                chunks.append(chunk)
                chunk = [chart, list(trail), []]
                events = chunk[2]
            if node[0] == "split" and events and elsewhere(events):
                events.append(("elsewhere",))
                queue.append(([(u, 3 if k == 4 else k) for u, k in trail], node))
                node = None
            elif node[0] == "split":
                _, first, u, positive, negative = node
                events.append(("split", u))
                pending.append((trail + [(first + u, 2)], negative))
                trail, node = trail + [(first + u, 4)], positive
            elif node[0] == "side":
                _, first, u, sign, chosen, child = node
                events.append(("side", u, sign, chosen))
                trail, node = trail + [(first + u, int(sign > 0))], child
            else:
                events.append(node)
                node = None
            if node is None and pending:
                trail, node = pending.pop()
        chunks.append(chunk)
    return chunks


def varint(value):
    out = bytearray()
    while True:
        out.append(value % 128 + (128 if value >= 128 else 0))
        value //= 128
        if not value:
            return bytes(out)


def zigzag(value):
    return varint(2 * value if value >= 0 else -2 * value - 1)


def encode(chunk):
    chart, trail, events = chunk
    body = varint(chart) + varint(len(trail)) + b"".join(varint(8 * u + k) for u, k in trail)
    for event in events:
        kind, *rest = event
        if kind == "split":
            body += varint(4 * rest[0])
        elif kind == "side":
            u, sign, chosen = rest
            body += varint(4 * u + (1 if sign > 0 else 2)) + varint(len(chosen))
            body += b"".join(map(varint, chosen))
        elif kind in ("region", "crossing"):
            body += varint(3 if kind == "region" else 23) + zigzag(rest[0]) + b"".join(map(zigzag, rest[1]))
        elif kind == "empty":
            body += varint(7) + varint(len(rest[1])) + varint(rest[0])
            body += b"".join(map(varint, rest[1]))
        elif kind in ("arrangement", "sides", "sides as bits"):
            sets = rest[0] or []
            named = sorted({n for numbers in sets for n in numbers})
            body += varint(27 if kind == "arrangement" else 31) + varint(len(sets))
            body += b"" if rest[0] is None else varint(len(named))
            body += b"".join(map(varint, named))
            body += b"".join(varint(sum(1 << named.index(n) for n in numbers)) for numbers in sets)
            if kind == "sides as bits":
                of_sign = lambda sign: varint(sum(1 << u for u, own in rest[1] if own == sign))
                body += varint(0) + of_sign(1) + of_sign(-1)
            elif kind == "sides":
                body += varint(len(rest[1]))
                body += b"".join(varint(2 * u + (sign < 0)) for u, sign in rest[1])
        elif kind == "raw":
            body += rest[0]
        else:
            body += varint({"open": 11, "elsewhere": 15, "excluded": 19}[kind])
    return body


def record(kind, body, packed=False):
    stored = body
    if packed:
        import subprocess
        stored = subprocess.run(["zstd", "-cq"], input=body, stdout=subprocess.PIPE).stdout
    data = kind + bytes([packed]) + len(stored).to_bytes(4, "little")
    data += len(body).to_bytes(4, "little") + stored
    return data + hashlib.sha256(data).digest()[:16]


def digest(patterns):
    """The program in docs/output.md."""
    M = 2**64 - 1
    def mix(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M
        z = (z ^ z >> 27) * 0x94D049BB133111EB & M
        return z ^ z >> 31
    def key(n):
        return mix(n * 0x9E3779B97F4A7C15 & M)
    total = 0
    for pattern in patterns:
        high = low = 0
        for unit, sign in enumerate(pattern or ""):
            k = 3 * unit + "-0+".index(sign)
            high, low = high ^ key(2 * k + 1), low ^ key(2 * k + 2)
        a = mix(high ^ mix(low))
        total += a << 64 | mix(low + a & M)
    return f"{total % 2**128:032x}"


def pattern(layers, x):
    """Of a region that has x inside: by evaluation."""
    signs = ""
    for layer in layers[:len(layers) - layers[::-1].index("relu")] if "relu" in layers else []:
        if layer == "relu":
            signs += "".join("-0+"[(v > 0) - (v < 0) + 1] for v in x)
            x = [max(v, Fraction(0)) for v in x]
        else:
            x = [sum(F(w) * v for w, v in zip(row, x)) + F(b) for row, b in zip(*layer)]
    return signs


def leaves(tree):
    if tree[0] == "split":
        return leaves(tree[3]) + leaves(tree[4])
    return leaves(tree[5]) if tree[0] == "side" else [tree]


class Proof:
    """A proof as Python data, to be broken and written."""

    def __init__(self, inputs, layers, domain=None, charts=None, lead=None, strict=False,
                 blind=False, cross=False, cut=0, elsewhere=lambda events: False):
        domain = domain or [(None, None)] * inputs
        if charts is None:
            charts = [[inputs, [["0", [i, "1"]] for i in range(inputs)]]]
        self.listing, self.layers, self.packed, self.chunks = listing(inputs, layers), layers, False, []
        patterns, crossed = [], 0
        for number, (d, rows) in enumerate(charts):
            forms, constraints = [], []
            for (lower, upper), (b, *terms) in zip(domain, rows):
                form = [Fraction(0)] * d + [F(b)]
                for c, a in terms:
                    form[c] += F(a)
                forms.append(form)
                if terms and lower is not None:
                    constraints.append(form[:-1] + [form[-1] - F(lower)])
                if terms and upper is not None:
                    constraints.append([-v for v in form[:-1]] + [F(upper) - form[-1]])
            tree = build(layers, forms, constraints, d, strict, blind, cross)
            for leaf in leaves(tree):
                if leaf[0] == "crossing":  # nobody here reads the digest
                    crossed += 2 ** leaf[3]
                if leaf[0] == "region":
                    y = [Fraction(m) * Fraction(2) ** leaf[1] for m in leaf[2]] + [1]
                    patterns.append(pattern(layers, [sum(a * v for a, v in zip(f, y)) for f in forms]))
            self.chunks += pieces(number, tree, cut, elsewhere)
        self.header = {
            "chambers": "0.1.0", "model": {"seed": 2**64 - 1, "x": [0.5]},
            "network": hashlib.sha256(self.listing).hexdigest(), "domain": [list(i) for i in domain],
            "strict": strict, "lead": lead,
            "charts": [{"dimension": d, "inputs": rows} for d, rows in charts]}
        # One chart of two: regions of the other are opposite.
        each = 2 if lead is not None and len(charts) == 1 else 1
        self.footer = {"regions": str(each * (len(patterns) + crossed)), "digest": digest(patterns), "complete": True,
                       "chunks": len(self.chunks)}

    def bytes(self):
        records = [record(b"H", json.dumps(self.header).encode(), self.packed)]
        records += [record(b"C", encode(chunk), self.packed) for chunk in self.chunks]
        records.append(record(b"F", json.dumps(self.footer).encode(), self.packed))
        return b"chambers proof 2\n" + b"".join(records)


def check(data, network):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("proof", "listing")]
        for path, content in zip(paths, (data, network)):
            with open(path, "wb") as file:
                file.write(content)
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = check_proof.main(paths)
    return code, out.getvalue() + errors.getvalue()


LINES = [[[1, 0], [0, 1], [1, 1], [1, -1], [2, "1/3"]], [0, "1/2", -1, "1/3", 2]], "relu"
FOLD = [[[1, 0], [-1, 0], [0, 1], [0, -1]], [0] * 4], "relu", [[[1, 1, 1, 1]], [-1]], "relu"
TENT = [[[1], [1]], [0, "-1/2"]], "relu", [[[2, -4], [2, -4]], [0, "-1/2"]], "relu", [[[1, 1]], [3]]


class Together(unittest.TestCase):
    """Events for many units: arrangements, and sides by one of several sets of constraints."""

    def checked(self, weights, bias, events, domain=None):
        proof = Proof(len(weights[0]), [[weights, bias], "relu"], domain=domain)
        proof.chunks = [[0, [], events]]
        proof.footer["chunks"] = 1
        return check(proof.bytes(), proof.listing)

    def verified(self, regions, *arguments, **options):
        code, text = self.checked(*arguments, **options)
        self.assertEqual((code, text.split("\n")[0]), (0, f"VERIFIED: {regions} regions"), text)

    def rejected(self, why, *arguments, **options):
        code, text = self.checked(*arguments, **options)
        self.assertEqual(code, 1, text)
        self.assertIn(why, text)

    def test_general_position(self):
        # Zaslavsky 1975: sums of binomials.
        leaf = [("arrangement", [])]
        for n in range(1, 6):
            weights, bias = LINES[0]
            self.verified(sum(comb(n, i) for i in range(3)), weights[:n], bias[:n], leaf)
        # Points of the moment curve: any d of these rows are independent, as are any d + 1 of them
        # with their constants.
        for d in (1, 3, 4):
            for n in (d, d + 2):
                weights = [[t**k for k in range(1, d + 1)] for t in range(1, n + 1)]
                self.verified(sum(comb(n, i) for i in range(d + 1)), weights, [1] * n, leaf)

    def test_other_positions(self):
        leaf, why = [("arrangement", [])], "not in general position"
        star = [[1, 0], [0, 1], [1, 1]]
        self.rejected(why, star, [0, 0, 0], leaf)
        # The point is none of the square's: by hand, one line cuts it.
        square = [["0", "2"]] * 2
        self.verified(2, [[1, 0], [0, 1], [1, -1]], [0, 0, 0], leaf, domain=square)
        self.rejected(why, [[1, 2], [2, 4]], [0, 0], leaf)
        self.verified(3, [[1, 2], [2, 4]], [0, 1], leaf)
        # A plane that no other one meets in the cube.
        cube = [["-1", "1"]] * 3
        self.verified(4, [[2, 2, 2], [2, 2, 2], [1, 1, 1]], [-5, 5, 0], leaf, domain=cube)

    def test_sets(self):
        # x = 0, x = -1, y = 0 and x + y = 1 in a square: 4 regions on the right, 5 on the left.
        weights, bias = [[1, 0], [1, 0], [0, 1], [1, 1]], [0, 1, 0, -1]
        square, corners = [["-2", "2"]] * 2, [[4, 2], [4, 3], [1, 2], [1, 3]]
        outer = [[0, 2], [0, 3], [1, 2], [1, 3]]
        def events(kind, sets, named, units=((1, 1),)):
            left = [("split", 1), ("arrangement", []), ("arrangement", [])]
            return [("split", 0), (kind, sets, list(units)), ("arrangement", named), *left]
        for kind in ("sides", "sides as bits"):
            self.verified(9, weights, bias, events(kind, corners, corners), domain=square)
            self.verified(9, weights, bias, events(kind, [[2], [4]], []), domain=square)
            for sets, named, units, why in [
                (outer, corners, [(1, 1)], "no set shows it"),
                (corners, corners, [(1, -1)], "no set shows it"),
                (corners, corners, [(3, 1)], "no set shows it"),
                (corners, corners[:2], [(1, 1)], "one is not named"),
                (corners, outer[:2], [(1, 1)], "one is not named"),
                ([[]], corners, [(1, 1)], "a set of no constraints"),
            ]:
                self.rejected(why, weights, bias, events(kind, sets, named, units), domain=square)
        none = events("sides as bits", corners, corners, [])
        self.rejected("sides of no unit", weights, bias, none, domain=square)
        for named, why in [
            (range(65), "too many constraints are named"),
            ([4, 2, 4], "named twice"),
            ([1, 2, 4], "a set of too many constraints"),
        ]:
            sides = varint(31) + varint(1) + varint(len(named)) + b"".join(map(varint, named)) + varint(7)
            wrong = [("split", 0), ("raw", sides)]
            self.rejected(why, weights, bias, wrong, domain=square)
        twice = events("sides", corners, corners, [(1, 1), (1, 1)])
        self.rejected("not to be decided", weights, bias, twice, domain=square)

    def test_sets_again(self):
        # x = 0 and x = -1 cut a square, y = -3 and y = 3 do not.
        weights, bias, square = [[1, 0], [1, 0], [0, 1], [0, -1]], [0, 1, 3, 3], [["-2", "2"]] * 2
        corners = [[0, 2], [0, 3], [1, 2], [1, 3]]
        right = [[4, 2], [4, 3], [1, 2], [1, 3]]
        def events(start, side):
            left = [("split", 1), ("region", -1, [-1, 0]), ("region", -1, [-3, 0])]
            return [*start, ("split", 0), side, ("region", 0, [1, 0]), *left]
        def sides(sets, u, kind="sides"):
            return kind, sets, [(u, 1)]
        for kind in ("sides", "sides as bits"):
            start = [sides(corners, 2), sides(None, 3, kind)]
            self.verified(3, weights, bias, events(start, sides(right, 1)), domain=square)
            why = "no sets, nor any in the event before"
            for start, side in [
                ([sides(None, 2, kind), sides(corners, 3)], sides(right, 1)),
                ([("side", 3, 1, [3]), sides(None, 2, kind)], sides(right, 1)),
                ([sides(corners, 2), ("side", 3, 1, [3])], sides(None, 1, kind)),
                ([sides(corners, 2), sides(corners, 3)], sides(None, 1, kind)),
            ]:
                self.rejected(why, weights, bias, events(start, side), domain=square)
            start = [sides(corners, 2), sides(None, 1, kind), sides(corners, 3)]
            self.rejected("no set shows it", weights, bias, start, domain=square)
        proof = Proof(2, [[weights, bias], "relu"], domain=square)
        start = [sides(corners, 2), sides(None, 3)]
        first, *rest = events(start, sides(right, 1))
        proof.chunks, proof.footer["chunks"] = [[0, [], [first]], [0, [[2, 1]], rest]], 2
        code, text = check(proof.bytes(), proof.listing)
        self.assertEqual(code, 1, text)
        self.assertIn(why, text)

    def test_sides_in_order(self):
        # x = 0 and x = 2 in [-1, 3]: of the units x, x + 4, 5 - x and x - 2 two have sides, which
        # the start of the second chunk has in the order in which they were told.
        weights, bias = [[1], [1], [-1], [1]], [0, 4, 5, -2]
        right = [("split", 3), *[("region", -1, [m]) for m in (5, 2)]]
        left = [("side", 3, -1, [2]), ("region", -1, [-1])]
        for kind, units, order in [
            ("sides", [(2, 1), (1, 1)], (2, 1)),
            ("sides", [(1, 1), (2, 1)], (1, 2)),
            ("sides as bits", [(2, 1), (1, 1)], (1, 2)),
        ]:
            for trail in [(1, 2), (2, 1)]:
                proof = Proof(1, [[weights, bias], "relu"], domain=[("-1", "3")])
                decided = [[u, 1] for u in trail]
                proof.chunks = [
                    [0, [], [(kind, [[0], [1]], units), ("split", 0), ("elsewhere",), *left]],
                    [0, [*decided, [0, 3]], right],
                ]
                proof.footer["chunks"] = 2
                code, text = check(proof.bytes(), proof.listing)
                self.assertEqual(code == 0, trail == order, text)


class Verified(unittest.TestCase):
    def verified(self, regions, *arguments, **options):
        proof = Proof(*arguments, **options)
        code, text = check(proof.bytes(), proof.listing)
        self.assertEqual((code, text.split("\n")[0]), (0, f"VERIFIED: {regions} regions"), text)
        return proof

    def test_lines_in_general_position(self):
        # Zaslavsky 1975: sum of binomials.
        for n in range(6):
            weights, bias = LINES[0]
            layers = [[weights[:n], bias[:n]], "relu"]
            expected = sum(comb(n, i) for i in range(3))
            self.verified(expected, 2, layers)
            self.verified(expected, 2, layers, blind=True)

    def test_points_on_a_line(self):
        self.verified(4, 1, [[[[1], [-2], ["1/3"]], [0, 1, -1]], "relu"])
        # Two units with one breakpoint, one of them turned round.
        self.verified(2, 1, [[[[1], [-2]], [1, -2]], "relu"])

    def test_two_layers(self):
        # |x| + |y| = 1 cuts each of four quadrants.
        self.verified(8, 2, FOLD)
        self.verified(8, 2, FOLD, blind=True)
        # The tent map takes the value 1/2 at 1/4 and 3/4; outside of [0, 1] two more regions,
        # and on x < 0 its unit is zero.
        self.verified(6, 1, TENT)
        self.verified(5, 1, TENT, strict=True)
        box = [["0", "1"]]
        chart = [[1, [["1/2", [0, "1/2"]]]]]
        self.verified(4, 1, TENT, domain=box, charts=chart)
        turned = [[1, [["3", [0, "-2/3"]]]]]
        self.verified(4, 1, TENT, domain=box, charts=turned)

    def test_a_box_with_a_fixed_and_an_ignored_input(self):
        layers = [[[[1, 1, 0], [1, -1, 0]], [0, 0]], "relu"]
        domain = [["-1", "1"], ["1/2", "1/2"], ["0", None]]
        # Breakpoints at -1/2 and 1/2.
        charts = [[1, [["0", [0, "1"]], ["1/2"], ["1/7"]]]]
        self.verified(3, 3, layers, domain=domain, charts=charts)

    def test_inputs_that_others_span(self):
        layers = [[[[1, 2, 3], [2, 4, 6]], [0, 1]], "relu"]
        charts = [[1, [["0"], ["5"], ["0", [0, "1/3"]]]]]
        self.verified(3, 3, layers, charts=charts)

    def test_nothing_to_decide(self):
        for layers in ([], [[[[1, 1]], [1]]], [[[], []], "relu", [[[]], ["1"]], "relu"]):
            self.verified(1, 2, layers, charts=[[0, [["0"], ["0"]]]])
            self.verified(1, 2, layers)
        self.verified(1, 0, [], charts=[[0, []]])
        self.verified(1, 0, [[[[], []], [1, 0]], "relu"], charts=[[0, []]])
        self.verified(0, 0, [[[[], []], [1, 0]], "relu"], charts=[[0, []]], strict=True)

    def test_relu_after_relu(self):
        # The second is positive or zero where the first is positive or negative.
        self.verified(4, 2, ["relu", "relu"])
        self.verified(1, 2, ["relu", "relu"], strict=True)

    def test_rays(self):
        weights = [[1, 2], [3, -1], [-1, 1], [1, "1/5"]]
        # x = (1, -1) y + b, which leaves 1 x + ... : the lead is x_0 + 2 x_1.
        charts = [[1, [["1", [0, "-2"]], ["0", [0, "1"]]]], [1, [["-1", [0, "-2"]], ["0", [0, "1"]]]]]
        for n in range(1, 5):
            # n lines through a point: 2 n sectors.
            layers = [[weights[:n], [0] * n], "relu"]
            self.verified(2 * n, 2, layers, charts=charts, lead=0)
            self.verified(2 * n, 2, layers, charts=charts[:1], lead=0)
            self.verified(2 * n, 2, layers, charts=charts[:1], lead=0, cross=True)
        # A bias after the last ReLU is none of the units' business.
        layers = [[weights, [0] * 4], "relu", [[[1, 1, 1, 1]], [7]]]
        self.verified(8, 2, layers, charts=charts, lead=0)
        charts = [[0, [["1"]]], [0, [["-1"]]]]
        self.verified(2, 1, ["relu", [[[1], [-1]], [0, 0]], "relu"], charts=charts, lead=0)

    def test_an_empty_domain(self):
        self.verified(0, 1, TENT, domain=[["1", "0"]], charts=[])

    def crossings(self, proof):
        return [e[3] for _, _, events in proof.chunks for e in events if e[0] == "crossing"]

    def test_crossings(self):
        # Zaslavsky 1975 again; the last lines cross in cells that the first ones do not cut.
        weights, bias = LINES[0]
        for n in range(1, 6):
            layers = [[weights[:n], bias[:n]], "relu"]
            proof = self.verified(sum(comb(n, i) for i in range(3)), 2, layers, cross=True)
            self.assertTrue(self.crossings(proof))
        # The coordinate hyperplanes: one leaf for all orthants.
        for n in (1, 3, 7):
            unit = [[int(i == j) for j in range(n)] for i in range(n)]
            proof = self.verified(2**n, n, [[unit, [1] * n], "relu"], cross=True)
            self.assertEqual(self.crossings(proof), [n])
        # Two lines that cross in no dyadic point.
        proof = self.verified(4, 2, [[[[1, 2], [2, -1]], [1, "1/3"]], "relu"], cross=True)
        self.assertEqual(self.crossings(proof), [2])
        # |x| + |y| = 1 in each of four quadrants, on none of which a unit is zero.
        for strict in (False, True):
            proof = self.verified(8, 2, FOLD, cross=True, strict=strict)
            self.assertEqual(self.crossings(proof), [1] * 4)
        self.verified(6, 1, TENT, cross=True)
        self.verified(5, 1, TENT, cross=True, strict=True)
        self.verified(4, 2, ["relu", "relu"], cross=True)
        for cut in (1, 2, 3):
            self.verified(16, 2, LINES, cross=True, cut=cut)

    def test_pieces(self):
        chance = random.Random(1)
        for cut in range(1, 6):
            for rate in (0, 0.5, 1):
                elsewhere = lambda events: chance.random() < rate
                proof = Proof(2, [*LINES], cut=cut, elsewhere=elsewhere)
                chance.shuffle(proof.chunks)
                self.assertGreater(len(proof.chunks), 3)
                self.assertEqual(check(proof.bytes(), proof.listing)[0], 0)
        self.verified(6, 1, TENT, cut=1)
        self.verified(5, 1, TENT, cut=1, strict=True)

    def test_packed(self):
        if shutil.which("zstd"):
            proof = Proof(2, FOLD)
            proof.packed = True
            self.assertEqual(check(proof.bytes(), proof.listing)[0], 0)
            data = record(b"H", b"x" * 100, packed=True)
            short = data[:6] + (99).to_bytes(4, "little") + data[10:-16]
            short += hashlib.sha256(short).digest()[:16]
            self.assertIn("length", check(b"chambers proof 2\n" + short, b"inputs 1\n")[1])

    def test_open(self):
        proof = Proof(2, FOLD, cut=7)
        last = proof.chunks[-1][2]
        self.assertEqual(last[-1][0], "region")
        regions = [e for chunk in proof.chunks for e in chunk[2] if e[0] == "region"]
        last[-1] = ("open",)
        x = lambda leaf: [Fraction(m) * Fraction(2) ** leaf[1] for m in leaf[2]]
        kept = [pattern(FOLD, x(leaf)) for leaf in regions[:-1]]
        proof.footer.update(complete=False, regions="7", digest=digest(kept))
        code, text = check(proof.bytes(), proof.listing)
        self.assertEqual((code, text.split("\n")[0]), (3, "INCOMPLETE: at least 7 regions"))


class Rejected(unittest.TestCase):
    def rejected(self, reason, change, *arguments, **options):
        proof = Proof(*(arguments or (2, FOLD)), **options)
        network = proof.listing
        change(proof)
        code, text = check(proof.bytes(), network)
        self.assertEqual(code, 1, text)
        self.assertIn(reason, text)

    def event(self, proof, kind, last=False):
        found = [(events, i) for _, _, events in proof.chunks for i, e in enumerate(events) if e[0] == kind]
        return found[-1 if last else 0]

    def change_event(self, reason, kind, change, *arguments, last=False, **options):
        def apply(proof):
            events, i = self.event(proof, kind, last)
            events[i] = change(events[i])
        self.rejected(reason, apply, *arguments, **options)

    def test_counts(self):
        for number in ("7", "9", "08", 8, None):
            self.rejected("number of regions", lambda p: p.footer.update(regions=number))
        self.rejected("complete", lambda p: p.footer.update(complete=False))
        self.rejected("complete", lambda p: p.footer.update(complete=1))
        self.rejected("malformed", lambda p: p.footer.pop("regions"))
        self.rejected("malformed", lambda p: p.footer.pop("complete"))

    def test_regions(self):
        def drop(proof):
            events, i = self.event(proof, "region", last=True)
            del events[i]
        self.rejected("fit", drop)
        def twice(proof):
            events, i = self.event(proof, "region", last=True)
            events.append(events[i])
        self.rejected("has ended", twice)
        self.change_event("inside of constraint", "region", lambda e: (e[0], e[1], [-m for m in e[2]]))
        self.change_event("inside of constraint", "region", lambda e: (e[0], e[1], [0, 1]))
        # (1/2, 1/2) lies on |x| + |y| = 1.
        self.change_event("inside of constraint", "region", lambda e: (e[0], -1, [1, 1]))
        self.change_event("exponent", "region", lambda e: (e[0], 1 << 17, e[2]))
        self.change_event("exponent", "region", lambda e: (e[0], -(1 << 17), e[2]))
        self.change_event("undecided", "split", lambda e: ("region", 0, [1, 1]))
        self.change_event("malformed", "region", lambda e: (e[0], e[1], e[2][:1]), last=True)
        self.change_event("open leaves", "region", lambda e: ("open",))

    def test_decisions(self):
        self.change_event("multiplier", "side", lambda e: (e[0], e[1], -e[2], e[3]))
        self.change_event("combine", "side", lambda e: (e[0], e[1], e[2], []))
        self.change_event("malformed", "side", lambda e: (e[0], e[1], e[2], [7]))
        self.change_event("dependent", "side", lambda e: (e[0], e[1], e[2], e[3] * 2))
        self.change_event("dependent", "side", lambda e: (e[0], e[1], e[2], [0, 1, 0]), last=True)
        self.change_event("combine", "side", lambda e: (e[0], e[1], e[2], [1 - e[3][0]]), last=True)
        self.change_event("not to be decided", "side", lambda e: (e[0], 0, -e[2], e[3]))
        self.change_event("not to be decided", "side", lambda e: (e[0], 4, 1, []))
        self.change_event("not to be decided", "split", lambda e: (e[0], 1 << 70))
        # x - 1/2 is not positive where x is.
        layers = [[[[1], [1]], [0, "-1/2"]], "relu"]
        proof = lambda p: p.chunks.__setitem__(0, [0, [], [("split", 0), ("side", 1, 1, [0])]])
        self.rejected("constant", proof, 1, layers)
        self.change_event("no such leaf", "region", lambda e: ("raw", varint(39)))
        # A constant unit is not decided by an event.
        self.rejected("not to be decided", lambda p: p.chunks[0][2].insert(0, ("side", 1, 1, [])),
                      1, [[[[1], [0]], [0, 1]], "relu"])

    def test_crossings(self):
        orthants = [[[1, 0], [0, 1]], [0, 0]], "relu"
        def crossed(reason, events, layers=orthants, **options):
            def change(proof):
                proof.chunks[0][2][:] = events
            self.rejected(reason, change, 2, layers, **options)
        at = lambda *point: ("crossing", 0, list(point))
        for number in ("1", "2", "5"):
            self.rejected("number of regions is 4", lambda p: p.footer.update(regions=number),
                          2, orthants, cross=True)
        # On the wrong side, on the boundary; outside of the domain, where all lines cross.
        split = ("split", 0)
        crossed("inside of constraint 0", [split, at(-1, 0), at(-1, 0)])
        crossed("inside of constraint 0", [split, at(0, 5), at(-1, 0)])
        for lower in ("0", "1"):
            box, charts = [[lower, "2"], [None, None]], [[2, [["3/2", [0, "1"]], ["0", [1, "1"]]]]]
            crossed("inside of constraint 0", [at(1, 1)], domain=box, charts=charts)
        # Equal lines, parallel ones, and three in the plane.
        for other, bias in (([1, 2], 0), ([-2, -4], 0), ([3, 6], 1)):
            crossed("dependent", [at(0, 0)], ([[[1, 2], other], [0, bias]], "relu"))
        crossed("dependent", [at(0, 0)], ([[[1, 0], [0, 1], [1, 1]], [0, 0, 0]], "relu"))
        # Not in the last layer, with nothing undecided, or with too many units.
        crossed("not the last", [at(0, 0)], (*orthants, [[[1, 1]], [-1]], "relu"))
        crossed("not the last", [at(0, 0)], (*orthants, [[[0, 0]], [-1]], "relu"))
        crossed("undecided", [split, ("split", 1), at(1, 1), at(1, -1), split, at(-1, 1)])
        crossed("undecided", [split, ("region", 0, [1, 0]), at(-1, 0)])
        crossed("undecided", [at(0, 0)], ([[[1, k] for k in range(17)], [0] * 17], "relu"))
        zero = [[[1, 0], [0, 0]], [0, 0]], "relu"
        crossed("a unit is zero", [at(0, 0)], zero, strict=True)
        crossed("exponent", [("crossing", 1 << 17, [0, 0])])
        crossed("malformed", [at(0)])
        crossed("has ended", [at(0, 0), at(0, 0)])

    def test_empty_leaves(self):
        lines = (2, [*LINES])
        self.change_event("constant", "split", lambda e: ("empty", 0, [1]), *lines,
                          domain=[["0", "1"], ["0", "1"]], last=True)
        self.change_event("combine", "empty", lambda e: (e[0], e[1], []), *lines, blind=True)
        self.change_event("malformed", "empty", lambda e: (e[0], 99, []), *lines, blind=True)
        layers = [[[[1], [1]], [0, -1]], "relu"]
        def forged(p):  # x > 0 and 1 - x > 0 hold at 1/2
            p.chunks[0][2][:] = [("split", 0), ("split", 1), ("region", 1, [1]), ("empty", 1, [0])]
        self.rejected("constant", forged, 1, layers)

    def test_chunks(self):
        cut = {"cut": 3}
        self.rejected("fit", lambda p: p.chunks.pop(1), **cut)
        self.rejected("fit", lambda p: p.chunks.append(p.chunks[1]), **cut)
        self.rejected("fit", lambda p: p.chunks.append(p.chunks[0]))
        def forged(p):
            p.footer["chunks"] = len(p.chunks)
        for change in (lambda p: p.chunks.pop(1), lambda p: p.chunks.append(p.chunks[1]),
                       lambda p: p.chunks[1][2].pop()):
            self.rejected("fit", lambda p: (change(p), forged(p)), **cut)
        def swapped(p):
            trail = p.chunks[1][1]
            trail[0] = (trail[0][0], {4: 2, 2: 4}[trail[0][1]])
        self.rejected("", swapped, **cut)
        self.rejected("malformed", lambda p: p.chunks[0].__setitem__(0, 1))
        self.rejected("first event", lambda p: p.chunks[0][2].insert(0, ("elsewhere",)))
        self.rejected("without an event", lambda p: p.chunks[0][2].clear())
        self.rejected("way to decide", lambda p: p.chunks[0][1].append((0, 5)))
        self.rejected("not to be decided", lambda p: p.chunks[0][1].append((4, 3)))
        self.rejected("not to be decided", lambda p: p.chunks[0][1].extend([(0, 3), (0, 3)]))
        self.rejected("malformed", lambda p: p.chunks[0][2].insert(1, ("raw", varint(4 * 1 + 2))) or
                      p.chunks[0][2].__delitem__(slice(2, None)))
        # A piece that promises itself, and nothing that leads to it.
        self.rejected("fit", lambda p: (p.chunks.append([0, [(0, 3)], [("split", 2), ("elsewhere",)]]), forged(p)))

    def test_strictness(self):
        tent, strict = (1, TENT), {"strict": True}
        self.change_event("a unit is zero", "excluded", lambda e: ("region", 0, [-1]), *tent, **strict)
        self.change_event("no unit is zero", "region", lambda e: ("excluded",), *tent, **strict)
        self.rejected("not strict", lambda p: p.header.update(strict=False), *tent, **strict)
        self.rejected("a unit is zero", lambda p: p.header.update(strict=True), *tent)

    def test_domain_and_charts(self):
        box = {"domain": [["-1", "1"], ["0", "2"]]}
        self.rejected("inside of constraint", lambda p: p.header.update(domain=[["5", "6"], ["0", "2"]]), **box)
        self.rejected("", lambda p: p.header.update(domain=[[None, None], ["0", "2"]]), **box)
        self.rejected("fixed", lambda p: p.header.update(domain=[["0", "0"], ["0", "2"]]), **box)
        self.rejected("empty domain", lambda p: p.header.update(domain=[["1", "0"], ["0", "2"]]), **box)
        self.rejected("inputs", lambda p: p.header["domain"].pop(), **box)
        self.rejected("lowest", lambda p: p.header.update(domain=[["-2/2", "1"], ["0", "2"]]), **box)
        for wrong in (-1, 0.5, "1e5", "inf", ["1"], True):
            self.rejected("", lambda p: p.header.update(domain=[[wrong, "1"], ["0", "2"]]), **box)
        chart = lambda d, rows: lambda p: p.header.update(charts=[{"dimension": d, "inputs": rows}])
        y = ["0", [0, "1"]]
        self.rejected("one input", chart(1, [y, y]))
        self.rejected("one input", chart(2, [y, ["0"]]), 2, [[[[1, 0]], [0]], "relu"])
        self.rejected("span", chart(1, [y, ["0"]]))
        self.rejected("not kept", chart(1, [y, ["1"]]), **box)
        self.rejected("span", chart(1, [y, ["0", [0, "0"]]]))
        self.rejected("one input", chart(2, [["0", [0, "1"], [1, "1"]], ["0", [1, "1"]]]))
        self.rejected("span", chart(1, [["0", [0, "1"], [0, "-1"]], y]))
        self.rejected("range", chart(1, [y, ["0", [1, "1"]]]))
        self.rejected("dimension", chart(10**9, [y, y]))
        self.rejected("inputs", chart(1, [y]))
        self.rejected("one chart", lambda p: p.header.update(charts=p.header["charts"] * 2))
        self.rejected("one chart", lambda p: p.header.update(charts=[]))
        fixed = [["-1", "1"], ["1/2", "1/2"]]
        self.rejected("another value", chart(1, [y, ["1"]]), domain=fixed, charts=[[1, [y, ["1/2"]]]])
        ignored = (2, [[[[1, 0]], [0]], "relu"])
        self.rejected("inside", chart(1, [y, ["1"]]), *ignored, domain=[["-1", "1"], ["0", "1"]],
                      charts=[[1, [y, ["1/2"]]]])

    def test_rays(self):
        layers = [[[[1, 2], [3, -1]], [0, 0]], "relu"]
        rows = lambda sign: [[str(sign), [0, "-2"]], ["0", [0, "1"]]]
        good = {"charts": [[1, rows(1)], [1, rows(-1)]], "lead": 0}
        charts = lambda a, b: lambda p: p.header.update(charts=[{"dimension": 1, "inputs": a},
                                                                {"dimension": 1, "inputs": b}])
        network = 2, layers
        self.rejected("wrong sign", charts(rows(1), rows(1)), *network, **good)
        self.rejected("wrong sign", charts(rows(1), rows(0)), *network, **good)
        self.rejected("not constant", lambda p: p.header.update(lead=1), *network, **good)
        self.rejected("malformed", lambda p: p.header.update(lead=2), *network, **good)
        for lead in (-1, -2, False, 0.0, "0"):
            self.rejected("no number of a unit", lambda p: p.header.update(lead=lead), *network, **good)
        self.rejected("one chart", lambda p: p.header.update(lead=None), *network, **good)
        self.rejected("all of R^n", lambda p: p.header.update(domain=[["0", None], [None, None]]),
                      *network, **good)
        # A point instead of a line.
        self.rejected("reach", charts([["1"], ["0"]], rows(-1)), *network, **good)
        # Half of the rays: the positive half, and of a single layer.
        half = {"charts": [[1, rows(-1)]], "lead": 0}
        self.rejected("wrong sign", lambda p: None, *network, **half)
        half = {"charts": [[1, rows(1)]], "lead": 0}
        self.rejected("number of regions", lambda p: p.footer.update(regions="2"), *network, **half)
        deep = 2, [*layers, [[[1, 1]], [0]], "relu"]
        self.rejected("two charts", lambda p: None, *deep, **half)
        biased = 2, [[[[1, 2], [3, -1]], [0, 1]], "relu"]
        self.rejected("biases", lambda p: None, *biased, **good)

    def test_other_networks(self):
        proof = Proof(2, FOLD)
        code, text = check(proof.bytes(), Proof(2, LINES).listing)
        self.assertEqual(code, 1)
        self.assertIn(hashlib.sha256(proof.listing).hexdigest(), text)
        self.assertEqual(check(proof.bytes(), b"")[0], 1)
        for wrong in (b"inputs 2\naffine 1\n0 2:1\nrelu\n", b"inputs 2\naffine 1\n0 -1:1\nrelu\n",
                      b"inputs x\n", b"inputs 2\naffine 2\n0\n", b"\xff"):
            self.assertIn("listing", check(proof.bytes(), wrong)[1])
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(check_proof.main(["/nowhere/proof", "/nowhere/listing"]), 2)
        self.assertIn("/nowhere/proof", errors.getvalue())
        self.rejected("neither", lambda p: p.header.update(strict=0))

    def test_every_bit_and_every_length(self):
        proof = Proof(1, TENT)
        data = proof.bytes()
        check_proof.Checker().check(proof.listing, io.BytesIO(data))
        def refused(changed):
            with self.assertRaises(Exception):
                check_proof.Checker().check(proof.listing, io.BytesIO(changed))
        for i in range(len(data)):
            refused(data[:i])
            refused(data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1:])
        refused(data + b"x")
        refused(data + record(b"C", encode(proof.chunks[0])))
        head, chunk, foot = (record(b"H", json.dumps(proof.header).encode()),
                             record(b"C", encode(proof.chunks[0])),
                             record(b"F", json.dumps(proof.footer).encode()))
        magic = b"chambers proof 2\n"
        for records in (chunk + head + foot, head + foot + chunk, head + chunk, head + head + chunk + foot,
                        head + record(b"X", b"") + chunk + foot, b""):
            refused(magic + records)
        refused(b"chambers proof 1\n" + head + chunk + foot)

    def test_absurd_bodies(self):
        proof = Proof(1, TENT)
        magic = b"chambers proof 2\n"
        header = json.dumps(proof.header)
        for body in (b"", b"[" * 100_000, b"null", b"\xff", b"9" * 10**6):
            self.assertEqual(check(magic + record(b"H", body), proof.listing)[0], 1)
        for body in (b"", b"\x80", b"\x80\x00", b"\x00\x80\x00", b"\xff" * 10**5, b"\x00\xff\xff\x7f"):
            data = magic + record(b"H", header.encode()) + record(b"C", body)
            self.assertEqual(check(data, proof.listing)[0], 1)
        claim = b"C\x00" + b"\xff" * 8
        self.assertIn("64 MiB", check(magic + record(b"H", header.encode()) + claim, proof.listing)[1])


if __name__ == "__main__":
    unittest.main()
