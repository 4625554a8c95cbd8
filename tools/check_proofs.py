#!/usr/bin/env python3
"""Lets the program prove counts, and both checkers verify the proofs.

    python tools/check_proofs.py target/debug/chambers DIRECTORY

Writes into the directory. The counts are those of fixtures/manifest.json, and 255 for
examples/counterexample, of which a proof is kept beside it."""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST = 2000  # regions; more take Python long

def run(*command, expected=0):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != expected:
        sys.exit(f"{command}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout

def verified(text, count):
    said = re.match(r"VERIFIED: ([0-9,]+) region", text)
    if not said or said[1].replace(",", "") != str(count):
        sys.exit(f"{count} regions expected, but a checker says {text}")

def both_checkers(program, proof, model, kind, count, directory):
    listing = directory / "listing"
    run(program, "inspect", *([kind] if kind == "--arrangement" else []), model, "--listing", listing)
    verified(run(program, "check", proof, kind, model), count)
    verified(run(sys.executable, ROOT / "tools/check_proof.py", proof, listing), count)

def main(program, directory):
    directory, checked = Path(directory), 0
    kept = ROOT / "examples/counterexample"
    both_checkers(program, kept / "network.chp", kept / "network.json", "--model", 255, directory)
    for entry in json.loads((ROOT / "fixtures/manifest.json").read_text())["entries"]:
        if int(entry["count"]) > MOST or "acasxu" in entry["file"]:
            continue
        model, proof = ROOT / "fixtures" / entry["file"], directory / "proof"
        kind = "--arrangement" if entry["file"].startswith("arrangements") else "--model"
        source = [kind, model] if kind == "--arrangement" else [model]
        domain = entry["domain"]
        domain = domain if domain.startswith("box=") else ROOT / "fixtures" / domain
        run(program, "count", *source, "--domain", domain, "--proof", proof, "--proof-packing", "none")
        both_checkers(program, proof, model, kind, entry["count"], directory)
        checked += 1
    if checked < 50:
        sys.exit(f"only {checked} entries were checked")
    print(f"{checked} proofs verified by both checkers")

if __name__ == "__main__":
    main(*sys.argv[1:])
