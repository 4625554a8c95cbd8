#!/usr/bin/env python3
"""Keeps fixtures/manifest.json, see fixtures/README.md.

    cargo build --release
    python tools/manifest.py refresh    # digests, layers, checksums; never a count
    python tools/manifest.py recount    # every count that tools/recount.py established
    python tools/manifest.py lp         # every count that the LP search agreed with

An optional last argument selects the entries whose id contains it. `recount` needs
the onnx package for .onnx files.

`refresh` writes nothing when a count differs from the manifest's: a count changes by
hand only, together with the methods that established the new one.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
MANIFEST = FIXTURES / "manifest.json"
PROGRAM = ROOT / "target" / "release" / "chambers"


def run(*command, given=None):
    done = subprocess.run([str(c) for c in command], input=given, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def chambers(entry, *options):
    domain = entry["domain"]
    if not domain.startswith("box="):
        domain = FIXTURES / domain
    return json.loads(run(PROGRAM, "count", FIXTURES / entry["file"], "--domain", domain, "--json", *options))


def cells(layers):
    return [int(layer["cells"]) for layer in layers]


def refresh(manifest, part):
    wrong = False
    for entry in manifest["entries"]:
        if part not in entry["id"]:
            continue
        answer = chambers(entry)
        if answer["count"] != entry["count"]:
            wrong = True
            print(f"{entry['id']}: the manifest says {entry['count']}, the program {answer['count']}")
            continue
        new = {
            "layers": cells(answer["layers"]),
            "digest": answer["digest"],
            "sha256": answer["model"]["sha256"],
        }
        for name, value in new.items():
            if name in entry and entry[name] != value:
                print(f"{entry['id']}: {name} was {entry[name]}, is {value}")
        methods = entry.pop("methods")
        entry.update(new, methods=methods)
    if wrong:
        raise SystemExit("nothing written: find out which count is right")
    MANIFEST.write_text(dumped(manifest), encoding="utf-8", newline="\n")


def dumped(manifest):
    """One value a line, short lists on one line."""
    head = {k: v for k, v in manifest.items() if k != "entries"}
    blocks = []
    for entry in manifest["entries"]:
        lines = []
        for name, value in entry.items():
            if name == "methods":
                items = ",\n".join(f"        {json.dumps(v)}" for v in value)
                lines.append(f'      "methods": [\n{items}\n      ]')
            else:
                lines.append(f"      {json.dumps(name)}: {json.dumps(value)}")
        blocks.append("    {\n" + ",\n".join(lines) + "\n    }")
    text = json.dumps(head, indent=2)[:-2]
    return text + ',\n  "entries": [\n' + ",\n".join(blocks) + "\n  ]\n}\n"


def box(domain):
    """The ends of a domain as recount.py takes them; None for all of R^n."""
    if domain == "box=-inf,inf":
        return None
    if domain.startswith("box="):
        return domain.removeprefix("box=")
    # A VNN-LIB file that states one end of one input a line, as prop_3 does.
    sides = {}
    for line in (FIXTURES / domain).read_text(encoding="utf-8").splitlines():
        words = line.replace("(", " ").replace(")", " ").split()
        if len(words) == 4 and words[0] == "assert" and words[2].startswith("X_"):
            side = sides.setdefault(int(words[2][2:]), {})
            side[words[1]] = words[3]
    return ",".join(f"{sides[k]['>=']},{sides[k]['<=']}" for k in sorted(sides))


def recounted(entry):
    path = FIXTURES / entry["file"]
    if path.suffix == ".onnx":
        text = run(sys.executable, ROOT / "tools" / "onnx_to_json.py", path)
    else:
        text = path.read_text(encoding="utf-8")
    sides = box(entry["domain"])
    options = [f"--box={sides}"] if sides else []
    return json.loads(run(sys.executable, ROOT / "tools" / "recount.py", "-", *options, given=text))


def recount(manifest, part):
    wrong = 0
    for entry in manifest["entries"]:
        if part in entry["id"] and any("tools/recount.py" in m for m in entry["methods"]):
            answer = recounted(entry)
            same = (
                answer["count"] == entry["count"]
                and cells(answer["layers"]) == entry["layers"]
                and answer["digest"] == entry["digest"]
            )
            wrong += not same
            print("same" if same else "DIFFERENT", entry["id"], answer["count"], f"{answer['seconds']} s", flush=True)
    if wrong:
        raise SystemExit(f"{wrong} differ")


def lp(manifest, part):
    wrong = 0
    for entry in manifest["entries"]:
        if part in entry["id"] and any("--cross-check" in m for m in entry["methods"]):
            answer = chambers(entry, "--cross-check")
            same = answer["cross_check"]["agrees"] and answer["count"] == entry["count"]
            wrong += not same
            print("same" if same else "DIFFERENT", entry["id"], flush=True)
    if wrong:
        raise SystemExit(f"{wrong} differ")


def main():
    commands = {"refresh": refresh, "recount": recount, "lp": lp}
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in commands:
        raise SystemExit(__doc__)
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    commands[sys.argv[1]](manifest, sys.argv[2] if len(sys.argv) == 3 else "")


if __name__ == "__main__":
    main()
