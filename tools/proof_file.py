"""Reads what proofs and listings are made of, for check_proof.py: records, numbers, objects and
affine maps, as docs/proofs.md defines them. Whether it is a proof is not decided here."""
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction
from math import lcm

MAX_BODY = 64 << 20  # bytes of a record
MAX_VARINT = 1 << 14  # bytes of a number in a chunk, as only absurd witnesses have more
MAX_DIGITS = 100_000  # of a number in a text

if hasattr(sys, "set_int_max_str_digits"):  # Python's own limit is lower
    sys.set_int_max_str_digits(MAX_DIGITS)


class Rejected(Exception):
    """Why this is no proof."""


def demand(condition, why):
    if not condition:
        raise Rejected(why)


def number(text):
    value = Fraction(text) if re.fullmatch("-?[0-9]+(/[0-9]+)?", text) else None
    demand(str(value) == text, "what should be a number is none in lowest terms")
    return value


def read_records(file):
    line = file.readline(64)
    demand(line.startswith(b"chambers proof "), "this is no proof of chambers")
    demand(line == b"chambers proof 1\n", "the only version that is known is 1")
    while head := file.read(10):
        stored, length = int.from_bytes(head[2:6], "little"), int.from_bytes(head[6:], "little")
        demand(max(stored, length) <= MAX_BODY, "it claims to be longer than 64 MiB")
        body, checksum = file.read(stored), file.read(16)
        demand(len(head + body + checksum) == 26 + stored, "the file ends in the middle of it")
        demand(hashlib.sha256(head + body).digest()[:16] == checksum, "the checksum is wrong")
        demand(head[1] in (0, 1), "it is packed in an unknown way")
        body = unpack(body, length + 1) if head[1] else body
        demand(len(body) == length, "it does not unpack to the length that it claims")
        yield head[:1], body


def unpack(packed, limit):
    """A zstd frame, cut at the limit; by Python 3.14, or else by the program zstd."""
    try:
        from compression import zstd
        return zstd.ZstdDecompressor().decompress(packed, max_length=limit)
    except ImportError:
        if not shutil.which("zstd"):
            raise OSError("unpacking needs Python 3.14 or the program zstd; proofs written by "
                          "`chambers count --proof-packing none` need neither") from None
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.seek(0)
        pipes = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(["zstd", "-dcq"], **pipes) as program:
            return program.stdout.read(limit)


def varints(body):
    value = size = 0
    for byte in body:
        value, size = value | (byte & 127) << 7 * size, size + 1
        demand(size <= MAX_VARINT, "a number is too long")
        if byte < 128:
            demand(byte or size == 1, "a number is not in its shortest form")
            yield value
            value = size = 0
    demand(size == 0, "the chunk ends in the middle of a number")


def take(numbers):
    value = next(numbers, None)
    demand(value is not None, "the chunk ends in the middle of an event")
    return value


def signed(value):
    return -(value // 2) - 1 if value % 2 else value // 2


def read_json(body, keys):
    """The values of an object's keys; an object in which a key stands twice is read as null."""
    once = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else None
    return fields(json.loads(body.decode(), object_pairs_hook=once, parse_float=str), keys)


def fields(value, keys):
    demand(type(value) is dict and set(value) == set(keys.split()), f"the keys are not {keys}")
    return [value[key] for key in keys.split()]


def affine(rows, width):
    """An affine map, of [bias, (input, weight), ...] for each output, texts: (scale, rows), a
    row (bias, inputs, weights) for each output, integers, which are times the scale."""
    rows = [(number(bias), [int(i) for i, _ in terms], [number(w) for _, w in terms])
            for bias, *terms in rows]
    demand(all(len(set(inputs)) == len(inputs) for _, inputs, _ in rows), "a term stands twice")
    demand(all(0 <= i < width for _, inputs, _ in rows for i in inputs), "a term is out of range")
    scale = lcm(*(value.denominator for bias, _, weights in rows for value in [bias, *weights]))
    return scale, [(int(b * scale), i, [int(w * scale) for w in weights]) for b, i, weights in rows]


def read_listing(text):
    """The number of inputs; for each ReLU layer the number of its units and the maps before it."""
    lines = iter(text.split("\n"))
    width = inputs = int(next(lines)[len("inputs "):])
    layers, maps = [], []
    for line in filter(None, lines):
        if line == "relu":
            layers, maps = layers + [(width, maps)], []
        else:
            rows = [next(lines).split(" ") for _ in range(int(line[len("affine "):]))]
            maps.append(affine([[b, *(term.split(":") for term in r)] for b, *r in rows], width))
            width = len(rows)
    return inputs, layers
