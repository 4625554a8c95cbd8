"""The networks and arrangements that all programs count.

Every weight is a float32 number, so that single- and double-precision tools and
exact ones read the same network. An arrangement is a network of one layer."""
import itertools
import random
import struct
from dataclasses import dataclass
from math import comb
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures/networks/acasxu"

# Which peers can do what: regioncam works in the plane, in a square; parx has no domains.
ANYWHERE = ("relucent", "affinitree", "parx")
IN_A_BOX = ("relucent", "affinitree")
PLANE = ("regioncam",) + IN_A_BOX
FAST = ("regioncam", "affinitree")

# Programs that were measured elsewhere.
FEASIBILITY = "incremental sign feasibility (Julia, GLPK)"
PROTOTYPE = "exact prototype without LPs"


@dataclass
class Case:
    name: str
    layers: list | None  # of (weight rows, biases), with ReLU after each
    peers: tuple
    box: tuple | None = None  # the interval of every input; None: all of R^n
    known: int | None = None  # by a theorem, where one tells
    marks: tuple = ()  # (program, seconds): measured elsewhere, on this class of machine
    files: tuple = ()  # instead of layers: a model and its domain, for chambers only
    quick: bool = False

    def title(self):
        return self.name + (" in [{}, {}]^n".format(*self.box) if self.box else "")

    def json(self):
        """In the project's format: see docs/formats.md."""
        layers = [{"weight": w, "bias": b, "activation": "relu"} for w, b in self.layers]
        return {"input_dim": len(self.layers[0][0][0]), "layers": layers}


def single(value):
    """The nearest float32 number."""
    return struct.unpack("f", struct.pack("f", value))[0]


def network(*widths, seed=0):
    """Normal weights and biases of variance 2 / inputs of the layer (He et al. 2015)."""
    draw = random.Random(seed)
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        row = lambda count: [single(draw.gauss(0, (2 / inputs) ** 0.5)) for _ in range(count)]
        layers.append(([row(inputs) for _ in range(outputs)], row(outputs)))
    return layers


def hyperplanes(rows):
    """One layer from rows a_1, ..., a_d, b."""
    return [([list(row[:-1]) for row in rows], [row[-1] for row in rows])]


def integer_network(*widths, most, seed=0):
    """Integers from -most to most: what quantised weights are, up to scale."""
    draw = random.Random(seed)
    row = lambda count: [draw.randint(-most, most) for _ in range(count)]
    return [
        ([row(inputs) for _ in range(outputs)], row(outputs))
        for inputs, outputs in zip(widths, widths[1:])
    ]


def generic(count, dimension):
    """Regions of hyperplanes in general position (Schlaefli; Zaslavsky 1975)."""
    return sum(comb(count, k) for k in range(dimension + 1))


def braid(n):
    """x_i = x_j for all pairs of n coordinates, the last of which is 0: n! regions."""
    d = n - 1
    unit = lambda *signs: [dict(signs).get(k, 0) for k in range(d)] + [0]
    return [unit((i, 1)) for i in range(d)] + [
        unit((i, 1), (j, -1)) for i, j in itertools.combinations(range(d), 2)
    ]


def resonance(n):
    """All non-zero normals in {0, 1}^n."""
    return [[*x, 0] for x in itertools.product((0, 1), repeat=n) if any(x)]


def demicube(n):
    """Normals (1, x) for x in {0, 1}^n of even sum: 2^(n-1) hyperplanes in R^(n+1)."""
    return [[1, *x, 0] for x in itertools.product((0, 1), repeat=n) if sum(x) % 2 == 0]


def pencil(count):
    """Lines that nearly meet in (1/3, 1/5): their offsets are rounded to float32.

    The cells around that point are some 1e-8 wide. The lines are in general position
    unless rounding happened to leave three through one point."""
    draw = random.Random(5)
    rows = []
    for _ in range(count):
        a, b = single(draw.uniform(-1, 1)), single(draw.uniform(-1, 1))
        rows.append([a, b, single(-a / 3 - b / 5)])
    return rows


SQUARE = (-1, 1)

ALL = [
    # In the plane.
    Case("lines 2-16", network(2, 16), PLANE, SQUARE, quick=True),
    Case("lines 2-200", network(2, 200), FAST, SQUARE),
    Case("lines 2-800", network(2, 800), ("regioncam",), SQUARE),
    Case("network 2-16-16-1", network(2, 16, 16), PLANE, SQUARE),
    Case("network 2-32-32-1", network(2, 32, 32), FAST, SQUARE),
    Case("network 2-64-64-64-1", network(2, 64, 64, 64), FAST, SQUARE),
    Case("network 2-128-128-128-1", network(2, 128, 128, 128), ("regioncam",), SQUARE),
    # In space.
    Case("planes 3-8", network(3, 8), ANYWHERE, known=generic(8, 3), quick=True),
    Case("network 3-6-4-1", network(3, 6, 4), ANYWHERE, quick=True),
    Case("network 3-16-16-1", network(3, 16, 16), ANYWHERE),
    Case("network 5-16-16-1", network(5, 16, 16, seed=1), ("affinitree",)),
    Case("network 5-16-16-16-16-1", network(5, 16, 16, 16, 16, seed=1), ()),
    # Whole numbers: hyperplanes meet in ways that random ones do not.
    Case("braid, 5 coordinates", hyperplanes(braid(5)), ANYWHERE, known=120),
    Case("resonance 4", hyperplanes(resonance(4)), ANYWHERE, known=370),
    Case("integers to 3, network 3-8-8-1", integer_network(3, 8, 8, most=3), ANYWHERE),
    Case("integers to 3, lines 2-30", integer_network(2, 30, most=3), PLANE, SQUARE),
    Case("integers to 127, lines 2-200", integer_network(2, 200, most=127), FAST, SQUARE),
    Case("integers to 100000, 5-20", integer_network(5, 20, most=100_000, seed=1), ("affinitree",)),
    # Numbers that fool floats.
    Case("pencil of 9 rounded lines", hyperplanes(pencil(9)), PLANE, SQUARE),
    # Published marks.
    Case(
        "demicube, 32 in R^7",
        hyperplanes(demicube(6)),
        (),
        known=291_558,
        marks=((FEASIBILITY, 52.0), (PROTOTYPE, 1.4)),
    ),
    Case(
        "random, 25 in R^6",
        network(6, 25),
        (),
        known=generic(25, 6),
        marks=((FEASIBILITY, 68.0), (PROTOTYPE, 2.7)),
    ),
    Case(
        "braid, 9 coordinates, 36 in R^8",
        hyperplanes(braid(9)),
        (),
        known=362_880,
        marks=((FEASIBILITY, 29.0), (PROTOTYPE, 4.2)),
    ),
    Case(
        "ACAS Xu 1_1, property 3",
        None,
        (),
        files=(FIXTURES / "ACASXU_run2a_1_1_batch_2000.onnx", FIXTURES / "prop_3.vnnlib"),
        marks=(("an ACAS Xu enumerator: 65,784 cells, then a numerical error", 188.0),),
    ),
]
