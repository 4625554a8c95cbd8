#!/usr/bin/env python3
"""Prints an ONNX network as dense layers in JSON, for tools/recount.py.

    pip install onnx
    python tools/onnx_to_json.py model.onnx > model.json

A second reading of ONNX, which shares nothing with the program's own: every tensor
holds affine forms of the last ReLU's outputs, with rational coefficients, and each
operator is applied to forms as the ONNX specification says. Units stay in the order
of their tensor, so that activation patterns are comparable.
"""

import json
import sys
from fractions import Fraction

import numpy as np
import onnx
from onnx import numpy_helper


class Forms:
    """A tensor of affine forms: its last axis holds n coefficients and a constant."""

    def __init__(self, array):
        self.array = array

    @property
    def shape(self):
        return self.array.shape[:-1]

    @staticmethod
    def coordinates(shape):
        size = int(np.prod(shape, dtype=int))
        array = np.full((size, size + 1), Fraction(0), dtype=object)
        for k in range(size):
            array[k, k] = Fraction(1)
        return Forms(array.reshape(*shape, size + 1))


def exact(tensor):
    """A constant tensor of floats as fractions; what is integer stays as it is."""
    if tensor.dtype.kind != "f":
        return tensor
    array = np.empty(tensor.shape, dtype=object)
    for index in np.ndindex(tensor.shape):
        array[index] = Fraction(float(tensor[index]))
    return array


def constant_forms(array, width):
    forms = np.full((*array.shape, width), Fraction(0), dtype=object)
    forms[..., -1] = array
    return forms


def add(a, b, sign=1):
    """One of both is a tensor of forms."""
    width = next(v.array.shape[-1] for v in (a, b) if isinstance(v, Forms))
    a, b = (v.array if isinstance(v, Forms) else constant_forms(v, width) for v in (a, b))
    # Axes are aligned from the right, before the axis of coefficients.
    rank = max(a.ndim, b.ndim)
    a, b = (v.reshape((1,) * (rank - v.ndim) + v.shape) for v in (a, b))
    return Forms(a + sign * b)


def scale(forms, factor):
    factor = np.asarray(factor, dtype=object)
    array = forms.array
    if factor.ndim > array.ndim - 1:
        array = array.reshape((1,) * (factor.ndim + 1 - array.ndim) + array.shape)
    return Forms(array * factor[..., None])


def matmul(a, b):
    if isinstance(a, Forms):
        # [..., k, coefficient] times [k, m]
        return Forms(np.moveaxis(np.moveaxis(a.array, -1, 0) @ b, 0, -1))
    forms = b.array
    if len(b.shape) == 1:
        return Forms(a @ forms)
    return Forms(np.moveaxis(a @ np.moveaxis(forms, -1, 0), 0, -1))


def convolve(x, weight, bias, attributes):
    spatial = len(x.shape) - 2
    strides = attributes.get("strides", [1] * spatial)
    dilations = attributes.get("dilations", [1] * spatial)
    pads = attributes.get("pads", [0] * (2 * spatial))
    groups = attributes.get("group", 1)
    assert attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    kernel = weight.shape[2:]
    sizes = [
        (x.shape[2 + k] + pads[k] + pads[spatial + k] - dilations[k] * (kernel[k] - 1) - 1)
        // strides[k]
        + 1
        for k in range(spatial)
    ]
    filters, per_group = weight.shape[:2]
    width = x.array.shape[-1]
    out = np.full((1, filters, *sizes, width), Fraction(0), dtype=object)
    for f in range(filters):
        first = f // (filters // groups) * per_group
        for at in np.ndindex(*sizes):
            total = np.full(width, Fraction(0), dtype=object)
            if bias is not None:
                total[-1] = bias[f]
            for tap in np.ndindex(*kernel):
                place = [at[k] * strides[k] + tap[k] * dilations[k] - pads[k] for k in range(spatial)]
                if all(0 <= p < x.shape[2 + k] for k, p in enumerate(place)):
                    for c in range(per_group):
                        total = total + x.array[(0, first + c, *place)] * weight[(f, c, *tap)]
            out[(0, f, *at)] = total
    return Forms(out)


def reshape(x, shape):
    shape = [x.shape[k] if s == 0 else int(s) for k, s in enumerate(shape)]
    size = int(np.prod(x.shape, dtype=int))
    if -1 in shape:
        rest = int(np.prod([s for s in shape if s != -1], dtype=int))
        shape[shape.index(-1)] = size // rest
    return Forms(x.array.reshape(*shape, x.array.shape[-1]))


def rows(forms):
    flat = forms.array.reshape(-1, forms.array.shape[-1])
    return [list(row) for row in flat]


def layers_of(model):
    """The affine maps between the ReLUs, as lists of rows; the last has no ReLU."""
    graph = model.graph
    values = {t.name: exact(numpy_helper.to_array(t)) for t in graph.initializer}
    given = [v for v in graph.input if v.name not in values]
    assert len(given) == 1, "one input"
    dims = given[0].type.tensor_type.shape.dim
    shape = [d.dim_value if d.HasField("dim_value") else 1 for d in dims]
    inputs = int(np.prod(shape, dtype=int))
    values[given[0].name] = Forms.coordinates(shape)
    layers, source = [], {given[0].name: 0}
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        args = [values[name] if name else None for name in node.input]
        kind = node.op_type
        if kind == "Constant":
            result = exact(numpy_helper.to_array(attributes["value"]))
        elif kind == "Gemm":
            a, b = args[:2]
            assert not attributes.get("transA", 0)
            b = b.T if attributes.get("transB", 0) else b
            result = scale(matmul(a, b), Fraction(attributes.get("alpha", 1.0)))
            if len(args) > 2 and args[2] is not None:
                result = add(result, args[2] * Fraction(attributes.get("beta", 1.0)))
        elif kind == "MatMul":
            result = matmul(*args)
        elif kind == "Add":
            result = add(*args)
        elif kind == "Sub":
            if isinstance(args[0], Forms):
                result = add(args[0], args[1], -1)
            else:
                result = add(scale(args[1], Fraction(-1)), args[0])
        elif kind == "Mul":
            forms, factor = args if isinstance(args[0], Forms) else args[::-1]
            result = scale(forms, factor)
        elif kind == "Div":
            inverse = np.vectorize(lambda v: 1 / v, otypes=[object])(args[1])
            result = scale(args[0], inverse)
        elif kind == "Conv":
            result = convolve(args[0], args[1], args[2] if len(args) > 2 else None, attributes)
        elif kind == "Flatten":
            axis = attributes.get("axis", 1)
            front = int(np.prod(args[0].shape[:axis], dtype=int))
            result = reshape(args[0], [front, -1])
        elif kind == "Reshape":
            result = reshape(args[0], [int(s) for s in np.ravel(args[1])])
        elif kind == "Relu":
            layers.append(rows(args[0]))
            result = Forms.coordinates(args[0].shape)
        elif kind in ("Identity", "Cast"):
            result = args[0]
        else:
            raise SystemExit(f"{kind}: not in any fixture; add it")
        values[node.output[0]] = result
    layers.append(rows(values[graph.output[0].name]))
    return inputs, layers


def text(value):
    return value.numerator if value.denominator == 1 else str(value)


def main():
    inputs, layers = layers_of(onnx.load(sys.argv[1]))
    document = {
        "input_dim": inputs,
        "layers": [
            {"weight": [[text(v) for v in row[:-1]] for row in layer], "bias": [text(row[-1]) for row in layer]}
            for layer in layers
        ],
    }
    json.dump(document, sys.stdout)
    print()


main()
