"""Trains the small networks of fixtures/networks, exports them to ONNX with
PyTorch's own exporters, and records what ONNX Runtime makes of every model there.

    python tools/make_fixtures.py            # train, export, evaluate, table
    python tools/make_fixtures.py --evaluate # only run ONNX Runtime again

PyTorch is needed for nothing else: neither the build nor the tests of the crate
use it. The versions that made the files in the repository (Python 3.11):

    torch 2.15.0  onnx 1.23.2  onnxscript 0.7.2  onnxruntime 1.31.1
    scikit-learn 1.9.1  numpy 2.4.6

Seeds are fixed and training runs on one thread, so the same versions on the same
kind of processor give the same files. Another version may give other weights:
then counts that tests expect of these networks change with them.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import Message
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from torch import nn

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NETWORKS = FIXTURES / "networks"
EVALUATIONS = FIXTURES / "evaluations"
MOST_BYTES = 100_000
TABLE = ("<!-- table: written by tools/make_fixtures.py -->", "<!-- end of table -->")


# --- data ------------------------------------------------------------------------


@dataclass
class Data:
    """Inputs and labels, split once and for all."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @staticmethod
    def split(x, y):
        a, b, c, d = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
        return Data(a, c, b, d)

    def standardised(self):
        """Mean 0 and deviation 1 in every coordinate of the training half."""
        mean, deviation = self.train_x.mean(0), self.train_x.std(0)
        return Data(
            (self.train_x - mean) / deviation,
            self.train_y,
            (self.test_x - mean) / deviation,
            self.test_y,
        )

    def principal(self, components):
        """The leading principal components, standardised."""
        first = self.standardised()
        pca = PCA(components, svd_solver="full").fit(first.train_x)
        return Data(
            pca.transform(first.train_x),
            self.train_y,
            pca.transform(first.test_x),
            self.test_y,
        ).standardised()


def moons():
    return Data.split(*datasets.make_moons(800, noise=0.15, random_state=0)).standardised()


def iris():
    return Data.split(*datasets.load_iris(return_X_y=True))


def wine():
    return Data.split(*datasets.load_wine(return_X_y=True)).principal(3)


def cancer():
    return Data.split(*datasets.load_breast_cancer(return_X_y=True)).principal(3)


def digit_rows():
    """How much ink each of the 8 rows of a digit holds: shape 1 x 8, 0 to 1."""
    digits = datasets.load_digits()
    return Data.split(digits.images.mean(2)[:, None, :] / 16, digits.target)


def digit_blocks(size):
    """Digits of 8 x 8 reduced to size x size by block means, after cropping to a
    multiple of it around the centre: shape 1 x size x size, 0 to 1."""
    digits = datasets.load_digits()
    block = 8 // size
    margin = (8 - size * block) // 2
    crop = digits.images[:, margin : margin + size * block, margin : margin + size * block]
    pooled = crop.reshape(-1, size, block, size, block).mean((2, 4))
    return Data.split(pooled[:, None] / 16, digits.target)


# --- models ----------------------------------------------------------------------


def dense(*widths, bias=True):
    """Linear layers of these widths with ReLUs between them."""
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Normalised(nn.Module):
    """(x - mean) / deviation as part of the model, so that it takes raw data."""

    def __init__(self, train_x, network):
        super().__init__()
        self.register_buffer("mean", torch.tensor(train_x.mean(0), dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(train_x.std(0), dtype=torch.float32))
        self.network = network

    def forward(self, x):
        return self.network((x - self.mean) / self.deviation)


def train(model, data, dtype=torch.float32, epochs=600, rate=0.01, decay=1e-4):
    """Full-batch Adam on the cross entropy, with a cosine schedule."""
    model.to(dtype).train()
    x = torch.tensor(data.train_x, dtype=dtype)
    y = torch.tensor(data.train_y)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def quantise(model, steps):
    """Rounds every weight and bias to a multiple of 1/steps."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((parameter * steps).round() / steps)
    return model


def accuracies(model, data, dtype):
    """Train and test accuracy of the model as it is exported."""
    result = []
    with torch.no_grad():
        for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y)):
            guess = model(torch.tensor(x, dtype=dtype)).argmax(1).numpy()
            result.append(float((guess == y).mean()))
    return result


# --- export ----------------------------------------------------------------------


@dataclass
class Export:
    """One file: which exporter, which opset, and whether the batch axis has a name
    or is fixed to 1."""

    name: str
    exporter: str
    opset: int
    batch: str


@dataclass
class Fixture:
    task: str
    architecture: str
    seed: int
    data: object
    model: object
    exports: list
    dtype: torch.dtype = torch.float32
    finish: object = None
    training: dict = field(default_factory=dict)


def export(model, shape, dtype, how):
    """Writes networks/NAME.onnx: one file, weights inside."""
    path = NETWORKS / f"{how.name}.onnx"
    symbolic = how.batch == "symbolic"
    # A batch of 1 would be taken for a constant by the dynamo exporter.
    example = torch.zeros((2 if symbolic else 1, *shape), dtype=dtype)
    common = dict(opset_version=how.opset, input_names=["input"], output_names=["output"])
    if how.exporter == "dynamo":
        batch = torch.export.Dim("batch")
        torch.onnx.export(
            model,
            (example,),
            path,
            dynamo=True,
            external_data=False,
            verbose=False,
            dynamic_shapes=({0: batch},) if symbolic else None,
            **common,
        )
    else:
        torch.onnx.export(
            model,
            (example,),
            path,
            dynamo=False,
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}} if symbolic else None,
            **common,
        )
    proto = onnx.load(path)
    strip(proto)
    onnx.checker.check_model(proto, full_check=True)
    opset = {o.domain: o.version for o in proto.opset_import}[""]
    if opset != how.opset:
        sys.exit(f"{path.name}: asked for opset {how.opset}, got {opset}")
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in proto.graph.initializer):
        sys.exit(f"{path.name}: its weights are in another file")
    data = proto.SerializeToString(deterministic=True)
    if len(data) > MOST_BYTES:
        sys.exit(f"{path.name}: {len(data)} bytes, more than {MOST_BYTES}")
    path.write_bytes(data)
    return path


def strip(message):
    """Removes doc strings and metadata everywhere: exporters put stack traces in
    them, with the paths of the machine that ran them. The graph stays as it is."""
    for name in ("doc_string", "metadata_props"):
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)
    for kind, value in message.ListFields():
        if kind.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                strip(part)


# --- what ONNX Runtime says ------------------------------------------------------


def session(proto):
    """ONNX Runtime on one thread, running the graph as it stands."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def covering(proto, axes, candidates, chosen, most):
    """Adds to `chosen` up to `most` candidates, so that as many units as possible are
    active at some point: what never reaches an output is not compared."""
    probe = onnx.ModelProto()
    probe.CopyFrom(proto)
    relus = [node.output[0] for node in proto.graph.node if node.op_type == "Relu"]
    known = {output.name for output in proto.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=r) for r in relus if r not in known)
    run = session(probe)
    name = run.get_inputs()[0].name

    def active(x):
        outputs = run.run(relus, {name: x.reshape(axes)})
        return np.concatenate([output.ravel() > 0 for output in outputs])

    seen = np.any([active(x) for x in chosen], axis=0)
    patterns = np.array([active(x) for x in candidates])
    for _ in range(most):
        gains = (patterns & ~seen).sum(1)
        best = int(gains.argmax())
        chosen.append(candidates[best])
        seen |= patterns[best]
    print(f"  {seen.sum()} of {len(seen)} units are active at some point")
    return chosen


def inputs_for(proto, axes, shape, dtype, data, seed):
    """Zeros, three data points, two points far away, and random points in and around
    the range of the data that activate units which the others do not."""
    generator = np.random.default_rng(seed)
    low, high = (data.min(0), data.max(0)) if len(data) else (-np.ones(shape), np.ones(shape))
    cases = [np.zeros(shape)]
    cases += [data[k] for k in (0, len(data) // 2, len(data) - 1) if len(data)]
    cases += [scale * generator.standard_normal(shape) for scale in (1e3, 1e6)]
    middle, reach = (low + high) / 2, (high - low) / 2
    candidates = [
        middle + reach * scale * generator.uniform(-1, 1, shape)
        for scale in (1, 3)
        for _ in range(1000)
    ]
    cases = [case.astype(dtype) for case in cases]
    candidates = [case.astype(dtype) for case in candidates]
    return covering(proto, axes, candidates, cases, 9 - len(cases))


def evaluate(path, data=(), seed=0):
    """Writes evaluations/NAME.json. Each number is the shortest decimal that gives
    back the same f64, and an f32 is an f64 too: nothing is lost."""
    name = path.relative_to(NETWORKS).with_suffix("").as_posix()
    print(name)
    proto = onnx.load(path)
    run = session(proto)
    (model_input,) = run.get_inputs()
    dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64}[model_input.type]
    axes = [axis if isinstance(axis, int) else 1 for axis in model_input.shape]
    # A model whose only axis is the features has no batch axis.
    shape = axes[1:] if len(axes) > 1 else axes
    cases = []
    for x in inputs_for(proto, axes, shape, dtype, np.asarray(data), seed):
        (y,) = run.run(None, {model_input.name: x.reshape(axes)})
        assert np.isfinite(y).all() and y.dtype == dtype
        cases.append({"input": x.ravel().tolist(), "output": y.ravel().tolist()})
    target = EVALUATIONS / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"    {json.dumps(case)}" for case in cases)
    target.write_text(
        "{\n"
        f'  "model": "networks/{name}.onnx",\n'
        f'  "runtime": "onnxruntime {onnxruntime.__version__}",\n'
        f'  "type": "{np.dtype(dtype).name}",\n'
        f'  "cases": [\n{lines}\n  ]\n'
        "}\n"
    )


# The box of property 3, where the ACAS Xu network is used; its points stand in for
# the data that the network was trained on.
ACASXU_BOX = np.array(
    [
        [-0.303531156, -0.298552812],
        [-0.009549297, 0.009549297],
        [0.493380324, 0.5],
        [0.3, 0.5],
        [0.3, 0.5],
    ]
).T


def data_elsewhere(path):
    """Points for a model that this script did not train."""
    if path.parent.name == "acasxu":
        low, high = ACASXU_BOX
        return np.array([low, (low + high) / 2, high]).reshape(3, 1, 1, 5)
    return ()


# --- the networks ----------------------------------------------------------------


def conv1d():
    return nn.Sequential(
        nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Conv1d(2, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 10)
    )


def conv2d():
    return nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 10)
    )


def conv2d_strided():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12, 6),
        nn.ReLU(),
        nn.Linear(6, 10),
    )


FIXED = "1"
SYMBOLIC = "symbolic"
FIXTURE_LIST = [
    Fixture(
        "moons",
        "2-16-16-2",
        0,
        moons,
        lambda data: dense(2, 16, 16, 2),
        [
            Export("moons_mlp", "TorchScript", 17, SYMBOLIC),
            Export("moons_mlp_dynamo", "dynamo", 25, SYMBOLIC),
        ],
    ),
    Fixture(
        "moons",
        "2-12-12-12-12-2",
        1,
        moons,
        lambda data: dense(2, 12, 12, 12, 12, 2),
        [Export("moons_deep", "TorchScript", 13, FIXED)],
    ),
    Fixture(
        "iris",
        "(x - mean) / deviation, 4-10-8-3",
        2,
        iris,
        lambda data: Normalised(data.train_x, dense(4, 10, 8, 3)),
        [
            Export("iris_mlp", "TorchScript", 9, SYMBOLIC),
            Export("iris_mlp_dynamo", "dynamo", 18, FIXED),
        ],
    ),
    Fixture(
        "digits, ink in each of 8 rows",
        "1x8, Conv1d 2 of 3, Conv1d 2 of 3, 8-10",
        3,
        digit_rows,
        lambda data: conv1d(),
        [
            Export("digits_conv1d", "dynamo", 23, FIXED),
            Export("digits_conv1d_torchscript", "TorchScript", 11, SYMBOLIC),
        ],
        training=dict(epochs=2000, rate=0.02),
    ),
    Fixture(
        "digits, means of 2x2 blocks of the middle",
        "1x3x3, Conv2d 2 of 2x2, 8-8-10",
        5,
        lambda: digit_blocks(3),
        lambda data: conv2d(),
        [
            Export("digits_cnn", "dynamo", 20, SYMBOLIC),
            Export("digits_cnn_torchscript", "TorchScript", 20, FIXED),
        ],
        training=dict(epochs=2000, rate=0.02),
    ),
    Fixture(
        "digits, means of 2x2 blocks",
        "1x4x4, Conv2d 3 of 3x3 with stride 2 and padding 1, 12-6-10",
        4,
        lambda: digit_blocks(4),
        lambda data: conv2d_strided(),
        [Export("digits_cnn_strided", "TorchScript", 7, FIXED)],
        training=dict(epochs=2000, rate=0.02),
    ),
    Fixture(
        "wine, 3 principal components",
        "3-16-12-3 without biases",
        6,
        wine,
        lambda data: dense(3, 16, 12, 3, bias=False),
        [
            Export("wine_bias_free", "dynamo", 18, SYMBOLIC),
            Export("wine_bias_free_torchscript", "TorchScript", 17, FIXED),
        ],
    ),
    Fixture(
        "breast cancer, 3 principal components",
        "3-12-10-2",
        7,
        cancer,
        lambda data: dense(3, 12, 10, 2),
        [Export("cancer_double", "TorchScript", 17, SYMBOLIC)],
        dtype=torch.float64,
    ),
    Fixture(
        "breast cancer, 3 principal components",
        "3-8-8-2, weights and biases rounded to multiples of 1/8",
        8,
        cancer,
        lambda data: dense(3, 8, 8, 2),
        [Export("cancer_eighths", "dynamo", 21, FIXED)],
        finish=lambda model: quantise(model, 8),
    ),
]


def make():
    """Trains and exports everything; returns the table's rows and, for each file,
    the points to evaluate it at."""
    rows, points = [], {}
    for fixture in FIXTURE_LIST:
        torch.manual_seed(fixture.seed)
        data = fixture.data()
        model = train(fixture.model(data), data, fixture.dtype, **fixture.training)
        if fixture.finish:
            model = fixture.finish(model)
        right = accuracies(model, data, fixture.dtype)
        for how in fixture.exports:
            path = export(model, data.test_x.shape[1:], fixture.dtype, how)
            points[path] = data.test_x
            rows.append(
                f"| `{path.name}` | {fixture.task} | {fixture.architecture} "
                f"| {str(fixture.dtype).removeprefix('torch.')} | {how.exporter} | {how.opset} "
                f"| {how.batch} | {right[0]:.3f} / {right[1]:.3f} |"
            )
            print(rows[-1], path.stat().st_size, "bytes")
    return rows, points


def write_table(rows):
    """Puts the rows between the two marks of fixtures/README.md."""
    readme = FIXTURES / "README.md"
    before, rest = readme.read_text().split(TABLE[0])
    after = rest.split(TABLE[1])[1]
    head = (
        "| File | Task | Architecture | Type | Exporter | Opset | Batch | Accuracy (train / test) |"
    )
    table = "\n".join([TABLE[0], head, "|---" * 8 + "|", *rows, TABLE[1]])
    readme.write_text(before + table + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--evaluate", action="store_true", help="keep the networks, run ONNX Runtime again"
    )
    only_evaluate = parser.parse_args().evaluate
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    NETWORKS.mkdir(parents=True, exist_ok=True)
    points = {}
    if only_evaluate:
        for fixture in FIXTURE_LIST:
            for how in fixture.exports:
                points[NETWORKS / f"{how.name}.onnx"] = fixture.data().test_x
    else:
        rows, points = make()
        write_table(rows)
    for seed, path in enumerate(sorted(NETWORKS.rglob("*.onnx"))):
        evaluate(path, points.get(path, data_elsewhere(path)), seed)


if __name__ == "__main__":
    main()
