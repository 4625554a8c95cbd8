"""Lets one peer count one case: python worker.py PEER CASE.json LOWER,UPPER|all RESULT.json

run.py starts this in the peers' environment, in a process of its own. Imports, and the
building of the peer's own network object from the arrays, happen before the clock
starts; what is measured is the call that finds the regions."""
import json
import os
import resource
import shutil
import sys
import threading
import time
import warnings

peer, case, box, result = sys.argv[1:5]
REPEAT_BELOW = 2.0  # seconds in all: a shorter count runs again; the best one counts


def relucent(layers, box):
    """Complex.bfs: crosses facets from region to region, with proofs in float bounds and
    rationals, then certifies that the list is complete; one worker process."""
    from relucent import Complex, generic_topology_start
    from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork

    net = ReLUNetwork([part for w, b in layers for part in (LinearLayer(w, b[None]), ReLULayer())])
    options = {} if box is None else {"cube_radius": box[1], "cube_mode": "intersect"}

    def count():
        regions = Complex(net)
        report_progress(lambda: len(regions))
        start = generic_topology_start(regions)
        if box is not None:
            start = start / (1 + abs(start).max())
        regions.bfs(start, nworkers=1, verbose=0, **options)
        note = "certified" if regions.verified else "not certified"
        return len(regions), note

    return count


def affinitree(layers, box):
    """builder.from_layers: a decision tree with an LP at each node; its leaves are regions."""
    from affinitree import AffFunc, AffTree, Architecture, Polytope, builder

    dimension = layers[0][0].shape[1]
    architecture = Architecture(dimension)
    for weight, bias in layers:
        architecture.linear(AffFunc.from_mats(weight, bias))
        architecture.relu()
    domain = []
    if box is not None:
        inside = Polytope.hyperrectangle(dimension, [tuple(map(float, box))] * dimension)
        domain = [AffTree.from_poly(inside, AffFunc.identity(dimension))]
    return lambda: (builder.from_layers(architecture, *domain).num_terminals(), "")


def regioncam(layers, box):
    """Regioncam(size).linear(...).relu(): cuts the faces of a planar map, in float32."""
    import numpy
    from regioncam import Regioncam

    assert layers[0][0].shape[1] == 2 and box[0] == -box[1]
    single = [
        (numpy.ascontiguousarray(w.T.astype(numpy.float32)), b.astype(numpy.float32))
        for w, b in layers
    ]

    def count():
        plane = Regioncam(size=box[1])
        for weight, bias in single:
            plane.linear(weight, bias)
            plane.relu()
        return plane.num_faces, ""

    return count


def parx(layers, box):
    """compute_partition: crosses facets, with LPs. exact_julia_fast where there is Julia;
    otherwise exact_python, for which parx asks for a Julia that it does not run."""
    assert box is None
    found = shutil.which
    julia = found("julia") is not None
    if not julia:
        shutil.which = lambda name, *rest: name if name == "julia" else found(name, *rest)
    import numpy
    from parx import compute_partition

    shutil.which = found
    method = "exact_julia_fast" if julia else "exact_python"
    state = {}
    for number, (weight, bias) in enumerate(layers):
        state |= {f"{number}.weight": weight, f"{number}.bias": bias}
    start = numpy.random.default_rng(0).normal(size=(1, layers[0][0].shape[1]))
    return lambda: (
        len(compute_partition(state, start, method=method, include_output_layer=True)),
        method,
    )


def report_progress(regions):
    """Writes the regions found so far beside the result, twice a second."""

    def write():
        while True:
            time.sleep(0.5)
            with open(result + ".progress", "w") as file:
                file.write(str(regions()))

    threading.Thread(target=write, daemon=True).start()


def cpu():
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def main():
    warnings.simplefilter("ignore")
    import numpy

    with open(case) as file:
        network = json.load(file)
    layers = [
        (numpy.array(layer["weight"], dtype=float), numpy.array(layer["bias"], dtype=float))
        for layer in network["layers"]
    ]
    interval = None if box == "all" else [float(end) for end in box.split(",")]
    try:
        count = globals()[peer](layers, interval)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        open(result + ".started", "w").close()  # from here on run.py counts the time
        best, total = None, 0.0
        for _ in range(100):
            spent, wall = cpu(), time.perf_counter()
            regions, note = count()
            run = {"seconds": time.perf_counter() - wall, "cpu": cpu() - spent}
            if best is None or run["seconds"] < best["seconds"]:
                best = run
            total += run["seconds"]
            if total > REPEAT_BELOW:
                break
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = {"loaded": before << 10, "memory": after << 10}
        answer = {"count": regions, "note": note} | memory | best
    except Exception as error:  # whatever a peer raises is its answer
        answer = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    with open(result, "w") as file:
        json.dump(answer, file)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
