#!/usr/bin/env python3
"""Verifies a proof that `chambers count MODEL --proof PROOF` wrote.

    chambers inspect MODEL --listing LISTING && python tools/check_proof.py PROOF LISTING

Exits with 0: VERIFIED, 3: INCOMPLETE (a lower bound is proved), 1: REJECTED, 2: no such file.
docs/proofs.md defines the format and shows why a proof that passes is one. Needs Python 3.11, and
zstd for packed proofs. A form, affine in y of R^d, is a list of d + 1 integers, the constant last,
times a positive number, the same in all of a layer: the form of 1, which comes last, tells it."""
import hashlib, json, math, struct, subprocess, sys, tempfile
from collections import Counter, namedtuple
from fractions import Fraction
from operator import mul

SIDE_NEGATIVE, SIDE_POSITIVE, SPLIT_NEGATIVE, SPLIT_POSITIVE, SPLIT_PENDING = range(5)  # trails
REGION, EMPTY, OPEN, ELSEWHERE, EXCLUDED, CROSSING, ARRANGEMENT = range(3, 28, 4)  # leaves
SIDES = 31  # of several units

def demand(condition, why):
    if not condition:
        raise ValueError(why)

# ---- What files are made of
def number(text):
    value = Fraction(*map(int, text.split("/")))
    demand(str(value) == text, "what should be a number is none in lowest terms")
    return value

def unpacked(body, limit):
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.seek(0)
        with subprocess.Popen(["zstd", "-dcq"], stdin=file, stdout=subprocess.PIPE) as zstd:
            return zstd.stdout.read(limit)

def varints(body):
    """The numbers of a chunk. Where next() finds none, its exception ends the check."""
    value = size = 0
    for byte in body:
        value, size = value | (byte & 127) << 7 * size, size + 1
        demand(size <= 1 << 14, "a number is too long")
        if byte < 128:
            yield value
            value = size = 0

def affine(rows, width):
    """From rows [bias, [input, weight], ...] of texts a matrix of rows [(input, weight), ...] of
    integers. The bias is the weight of input number width, of 1; a last row hands that on."""
    demand(all(0 <= int(i) < width for _, *row in rows for i, _ in row), "a term is out of range")
    rows = [[*terms, [width, bias]] for bias, *terms in rows] + [[[width, "1"]]]
    rows = [[(int(i), number(weight)) for i, weight in row] for row in rows]
    scale = math.lcm(*(weight.denominator for row in rows for _, weight in row))
    return [[(i, int(weight * scale)) for i, weight in row] for row in rows]

def read_listing(text):
    """The number of inputs, and for each ReLU layer the affine maps before it."""
    lines, layers = iter(text.split("\n")), [[]]
    width = inputs = int(next(lines).removeprefix("inputs "))
    for line in filter(None, lines):
        if line == "relu":
            layers.append([])
        else:
            rows = [next(lines).split(" ") for _ in range(int(line.removeprefix("affine ")))]
            rows = [[bias, *(term.split(":") for term in terms)] for bias, *terms in rows]
            layers[-1].append(affine(rows, width))
            width = len(rows)
    return inputs, layers[:-1]

# ---- Linear algebra
def through(maps, forms):
    for matrix in maps:
        columns = list(zip(*forms))
        forms = [[sum(w * column[i] for i, w in row) for column in columns] for row in matrix]
    return forms

def eliminate(rows):
    """Gauss and Jordan: {column where only this row is not 0, but 1: row}, as many as the rank."""
    found = {}
    for row in rows:
        for at, top in found.items():
            row = [a - row[at] * b for a, b in zip(row, top)]
        new = next((at for at, value in enumerate(row) if value), None)
        if new is not None:
            row = [Fraction(value, row[new]) for value in row]
            found = {at: [b - top[new] * a for a, b in zip(row, top)] for at, top in found.items()}
            found[new] = row
    return found

def check_farkas(target, rows):
    """target = m_1 row_1 + ... + v with all m, v >= 0? Tested, so the solver is not trusted."""
    solved = eliminate(list(zip(*rows, target))[:-1])
    demand(all(k in solved for k in range(len(rows))), "the constraints are linearly dependent")
    multipliers = [solved[k][-1] for k in range(len(rows))]
    demand(all(m >= 0 for m in multipliers), "a multiplier is negative")
    *rest, v = [a - sum(map(mul, multipliers, column)) for a, *column in zip(target, *rows)]
    demand(not any(rest), "the constraints do not combine to the form")
    demand(v >= 0, "the constant that is left over is negative")

def bits(number):
    return [k for k in range(number.bit_length()) if number >> k & 1]

def read_sets(count, numbers, constraints, dimension):
    length = next(numbers)
    demand(length <= 64, "too many constraints are named")
    named = [next(numbers) for _ in range(length)]
    demand(len(set(named)) == length, "a constraint is named twice")
    sets = [[constraints[named[k]] for k in bits(next(numbers))] for _ in range(count)]
    demand(all(sets), "a set of no constraints")
    demand(all(len(rows) <= dimension for rows in sets), "a set of too many constraints")
    return sets

def prover(sets):
    """A function that says whether one of the sets shows that a form is not negative: it tries
    those first where the form is least at the point that they meet in."""
    points = []
    for rows in sets:
        solved, d = eliminate(rows), len(rows[0]) - 1
        meet = all(c in solved for c in range(d))
        points.append([-solved[c][-1] for c in range(d)] + [1] if meet else [0] * (d + 1))
    def shows(form):
        values = [sum(map(mul, form, point)) for point in points]
        for k in sorted(range(len(sets)), key=values.__getitem__):
            try:
                check_farkas(form, sets[k])
                return True
            except ValueError:
                pass
        return False
    return shows

def on(g, functions):
    """Positive multiples of functions where g is zero, without a coordinate."""
    c = next(c for c, a in enumerate(g) if a)
    rows = [[abs(g[c]) * a - (f[c] if g[c] > 0 else -f[c]) * b for a, b in zip(f, g)]
            for f in functions]
    common = [math.gcd(*row) or 1 for row in rows]
    return [[a // n for a in row[:c] + row[c + 1:]] for row, n in zip(rows, common)]

def meet(functions):
    """Is there a point where all are positive? Where one is not constant, then also on a facet."""
    if any(not any(f[:-1]) and f[-1] <= 0 for f in functions):
        return False
    functions = [f for f in functions if any(f[:-1])]
    for g in functions:
        facet = on(g, functions)
        multiples = [sum(map(mul, f, g)) for f, row in zip(functions, facet) if not any(row)]
        if min(multiples) < 0:
            return False
        if meet([row for row in facet if any(row)]):
            return True
    return not functions

def flats(constraints, planes):
    """How many sets of planes have a point of the cell in common, and are independent."""
    inside = [flats(on(h, constraints), on(h, planes[:k]))
              for k, h in enumerate(planes) if any(h[:-1])]
    if not any(inside) and not meet(constraints):
        return 0
    demand(all(map(any, planes)), "the hyperplanes are not in general position in the cell")
    return 1 + sum(inside)

# ---- The proof. In a node, signs has all units of the layers so far, None where undecided; forms
# has those of the last layer, or the inputs: when decided, what the ReLU makes of them.
Node = namedtuple("Node", "trail constraints layers forms signs")

class Checker:
    place, regions, each, complete = "listing", 0, 1, True

    def check(self, listing, file):
        self.inputs, self.layers = read_listing(listing.decode())
        self.network = hashlib.sha256(listing).hexdigest()
        self.place, records, steps = "record 0", 0, {b"H": self.header}
        demand(file.readline(64) == b"chambers proof 2\n", "this is no chambers proof of version 2")
        while steps:
            self.place, records = f"record {records}", records + 1
            head = file.read(10)
            demand(len(head) == 10, "the file ends without a footer")
            kind, packing, stored, length = struct.unpack("<cBII", head)
            demand(kind in steps and packing < 2, "such a record does not stand here")
            demand(max(stored, length) <= 64 << 20, "it claims to be longer than 64 MiB")
            body, checksum = file.read(stored), file.read(16)
            demand(hashlib.sha256(head + body).digest()[:16] == checksum, "the checksum is wrong")
            body = unpacked(body, length + 1) if packing else body
            demand(len(body) == length, "it does not unpack to the length that it claims")
            steps[kind](body)
            steps = {} if kind == b"F" else {b"C": self.chunk, b"F": self.footer}
        demand(not file.read(1), "something follows the footer")

    def header(self, body):
        header = json.loads(body)
        network, domain, self.strict = header["network"], header["domain"], header["strict"]
        demand(network == self.network, f"network {network}, but the listing's is {self.network}")
        demand(type(self.strict) is bool, "strict is neither true nor false")
        self.claim = f"domain {json.dumps(domain)}, strict {json.dumps(self.strict)}"
        domain = [[None if end is None else number(end) for end in ends] for ends in domain]
        demand(len(domain) == self.inputs, "the domain does not have the network's inputs")
        charts, sides = [], []  # a chart: the inputs as forms
        for chart in header["charts"]:
            d, rows = chart["dimension"], chart["inputs"]
            demand(d in range(self.inputs + 1), "a dimension that no chart can have")
            demand(len(rows) == self.inputs, "a chart does not have the network's inputs")
            y = [[int(i == j) for j in range(d + 1)] for i in range(d + 1)]
            charts.append(through([affine(rows, d)], y))
        if any(None not in ends and ends[0] > ends[1] for ends in domain):
            demand(not charts, "an empty domain has no chart")
        elif header["lead"] is None:
            demand(len(charts) == 1, "without a lead there is one chart")
            sides = self.check_plain(domain, *charts)
        else:
            half = len(charts) == len(self.layers) == 1  # the other half is opposite
            demand(half or len(charts) == 2, "with a lead there are two charts")
            self.each = 2 if half else 1
            demand(all(ends == [None, None] for ends in domain), "rays need all of R^n")
            self.check_rays(header["lead"], charts)
        self.roots = [self.opened(Node((), sides, 0, inputs, [])) for inputs in charts]
        self.starts = Counter({(k, ()): -1 for k in range(len(charts))})  # starts found - promised

    def first(self, inputs):  # what goes into the first ReLU, without the form of 1
        return through(self.layers[0], inputs)[:-1] if self.layers else []

    def columns(self, chosen):
        """Of F: what it makes of unit vectors, without f, as 0 stands for 1."""
        return self.first([[int(i == j) for i in chosen] for j in range(self.inputs + 1)])

    def check_plain(self, domain, inputs):
        """Whether the only chart, without rays, reaches every F x. The domain's sides in it."""
        constraints, owned, kept, spanned, ignored = [], [], [], [], []
        for i, (lower, upper) in enumerate(domain):
            sides = [[sign * (end.denominator * x - end.numerator * one)
                      for x, one in zip(inputs[i], inputs[-1])]
                     for sign, end in ((1, lower), (-1, upper)) if end is not None]
            coordinates = [c for c, a in enumerate(inputs[i][:-1]) if a]
            if coordinates:
                demand(not sides or lower != upper, "a kept input is fixed")
                constraints, owned = constraints + sides, owned + [coordinates]
                kept += [] if sides else [i]
            elif not sides:
                spanned.append(i)
            elif lower == upper:
                demand(not any(sides[0]), "an input that the domain fixes has another value")
            else:
                demand(all(b > 0 for *_, b in sides), "an input is not inside of its interval")
                ignored.append(i)
        demand(sorted(owned) == [[c] for c in range(len(inputs[-1]) - 1)], "not one input each")
        demand(not eliminate(self.columns(ignored)), "an input that matters is not kept")
        ranks = [len(eliminate(self.columns(chosen))) for chosen in (kept, kept + spanned)]
        demand(ranks[0] == ranks[1], "the kept inputs do not span the others")
        return constraints

    def check_rays(self, lead, charts):
        demand(type(lead) is int and lead >= 0, "the lead is no number of a unit")
        biases = [row[-1][1] for maps in self.layers for matrix in maps for row in matrix[:-1]]
        demand(not any(biases), "rays need biases that are zero")
        rank = len(eliminate(self.columns(range(self.inputs))))
        for sign, forms in zip((1, -1), map(self.first, charts)):
            demand(not any(forms[lead][:-1]), "the lead is not constant on its chart")
            demand(sign * forms[lead][-1] > 0, "the lead has the wrong sign on its chart")
            demand(len(eliminate(forms)) == rank, "the chart does not reach every F x")

    def chunk(self, body):
        """Walks through a piece of the tree, event by event."""
        numbers, place, self.pending, self.last = varints(body), self.place, [], []
        self.shows = None
        chart, length, count = next(numbers), next(numbers), 0
        node = self.roots[chart]
        for _ in range(length):
            node = self.decided(node, *divmod(next(numbers), 8))
        self.starts[chart, node.trail] += 1
        for count, event in enumerate(numbers, 1):
            self.place = f"{place}, event {count}"
            demand(node, "the piece has ended before")
            if event == ELSEWHERE:
                demand(count > 1, "the first event is elsewhere")
                trail = [(u, SPLIT_POSITIVE if k == SPLIT_PENDING else k) for u, k in node.trail]
                self.starts[chart, tuple(trail)] -= 1
            node = self.after(event, node, numbers)
        demand(count, "a chunk without an event")
        if node:
            self.starts[chart, node.trail] -= 1

    def after(self, event, node, numbers):
        """Checks an event; the node where the walk goes on, None at its end."""
        constraints = lambda count: [node.constraints[next(numbers)] for _ in range(count)]
        (unit, kind), d = divmod(event, 4), len(node.forms[-1]) - 1
        before, self.shows = self.shows, None
        if kind < 3:
            how, sign = ((SPLIT_PENDING, 0), (SIDE_POSITIVE, 1), (SIDE_NEGATIVE, -1))[kind]
            if sign:
                count = next(numbers)
                self.last = [next(numbers) for _ in range(count)] or self.last
                named = [node.constraints[k] for k in self.last]
                check_farkas([sign * a for a in node.forms[unit]], named)
            return self.decided(node, unit + len(node.signs) - len(node.forms) + 1, how)
        if event == SIDES:
            count, layers = next(numbers), node.layers
            shows = prover(read_sets(count, numbers, node.constraints, d)) if count else before
            demand(shows, "no sets, nor any in the event before")
            units = [divmod(next(numbers), 2) for _ in range(next(numbers))]
            units = units or [(unit, negative) for negative in (0, 1) for unit in bits(next(numbers))]
            demand(units, "sides of no unit")
            for unit, negative in units:
                demand(node.layers == layers, "a side of a unit that is not there")
                demand(shows([-a if negative else a for a in node.forms[unit]]), "no set shows it")
                how = SIDE_NEGATIVE if negative else SIDE_POSITIVE
                node = self.decided(node, unit + len(node.signs) - len(node.forms) + 1, how)
            self.shows = shows
            return node
        if event in (REGION, CROSSING, ARRANGEMENT):
            free = [h for h, sign in zip(node.forms[-2::-1], node.signs[::-1]) if sign is None]
            allowed = {REGION: [0], CROSSING: range(1, 17), ARRANGEMENT: range(1, 65)}
            demand(len(free) in allowed[event], "undecided units")
            demand(node.layers == len(self.layers), "such a leaf in a layer that is not the last")
            demand(not self.strict or 0 not in node.signs, "strict, and a unit is zero")
        if event == ARRANGEMENT:
            demand(d <= 4, "an arrangement in more than 4 coordinates")
            sets = read_sets(next(numbers), numbers, node.constraints, d)
            named = [g for g in node.constraints if not sets or any(g in rows for rows in sets)]
            shows = prover(sets)
            demand(all(shows(g) for g in node.constraints if g not in named), "one is not named")
            self.regions += self.each * flats(named, free)
        elif event in (REGION, CROSSING):  # a region is a crossing of no hyperplanes
            exponent, *point = [n >> 1 ^ -(n & 1) for n in [next(numbers) for _ in node.forms[-1]]]
            demand(abs(exponent) <= 1 << 16, "the exponent is too large")
            point = [m << max(exponent, 0) for m in point] + [1 << max(-exponent, 0)]
            normals = [[*h[:-1], 0] for h in free]  # they lead to the nearest point on all h = 0
            solved = eliminate([[sum(map(mul, h, b)) for b in [*normals, point]] for h in free])
            demand(all(k in solved for k in range(len(free))), "the hyperplanes are dependent")
            for k, normal in enumerate(normals):
                point = [y - solved[k][-1] * a for y, a in zip(point, normal)]
            for k, side in enumerate(node.constraints):
                demand(sum(map(mul, side, point)) > 0, f"the point is not inside of constraint {k}")
            self.regions += self.each * 2 ** len(free)
        elif event == EMPTY:
            count, (first,) = next(numbers), constraints(1)
            check_farkas([-a for a in first], constraints(count))
        elif event == EXCLUDED:
            demand(self.strict and 0 in node.signs, "excluded, but no unit is zero, or not strict")
        else:
            demand(event in (OPEN, ELSEWHERE), "there is no such leaf")
            self.complete &= event != OPEN
        return self.pending.pop() if self.pending else None

    def decided(self, node, unit, how):
        """The node where a unit is decided; when the other side follows later, pends that."""
        demand(how <= SPLIT_PENDING, "there is no such way to decide a unit")
        demand(unit < len(node.signs) and node.signs[unit] is None, "a unit is not to be decided")
        if how == SPLIT_PENDING:
            self.pending.append(self.decided(node, unit, SPLIT_NEGATIVE))
        sign = -1 if how in (SIDE_NEGATIVE, SPLIT_NEGATIVE) else 1
        trail, constraints, layers, forms, signs = node
        forms, signs, at = forms[:], signs[:], unit - len(signs) - 1
        if how >= SPLIT_NEGATIVE:
            constraints = constraints + [[sign * a for a in forms[at]]]
        forms[at], signs[unit] = [max(sign, 0) * a for a in forms[at]], sign  # as by the ReLU
        return self.opened(Node(trail + ((unit, how),), constraints, layers, forms, signs))

    def opened(self, node):
        """The node with another layer, and another, while no unit is undecided."""
        trail, constraints, layers, forms, signs = node
        while layers < len(self.layers) and None not in signs:
            *forms, one = through(self.layers[layers], forms)
            new = [None if any(a) else (b > 0) - (b < 0) for *a, b in forms]
            forms = [[0] * len(one) if sign == -1 else form for sign, form in zip(new, forms)]
            forms, signs, layers = [*forms, one], signs + new, layers + 1
        return Node(trail, constraints, layers, forms, signs)

    def footer(self, body):
        footer = json.loads(body)
        demand(not any(self.starts.values()), "the chunks do not fit together")
        demand(footer["complete"] is self.complete, "complete, but with open leaves, or without")
        demand(footer["regions"] == str(self.regions), f"the number of regions is {self.regions}")

def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    sys.set_int_max_str_digits(1 << 16)  # Python's own limit is lower
    checker = Checker()
    try:
        with open(arguments[0], "rb") as proof, open(arguments[1], "rb") as listing:
            checker.check(listing.read(), proof)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # nothing is verified that does not reach the end
        why = error if isinstance(error, ValueError) else f"it is malformed ({error!r})"
        print(f"REJECTED: {checker.place}: {why}")
        return 1
    verdict = "VERIFIED:" if checker.complete else "INCOMPLETE: at least"
    print(f"{verdict} {checker.regions} regions\n{checker.claim}")
    return 0 if checker.complete else 3

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
