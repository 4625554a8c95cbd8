#!/usr/bin/env python3
"""Counts the same networks with chambers and with the peers that PyPI offers.

    python benches/peers/run.py            # everything: some 20 minutes
    python benches/peers/run.py --quick    # small cases; fails unless all counts agree
    python benches/peers/run.py network    # the cases whose name contains "network"

README.md says what is measured. Needs Python 3.11, cargo, and Linux for peak memory.
Environment, cases and results go to target/peers."""
import argparse
import datetime
import json
import math
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from cases import ALL, ROOT

HERE = Path(__file__).resolve().parent
WORK = ROOT / "target/peers"
PYTHON = WORK / "venv/bin/python"
CHAMBERS = ROOT / "target/release/chambers"
COUNTER = ROOT / "target/release/bench-count"  # benches/count.rs
PROC = Path("/proc")
PEERS = ("relucent", "affinitree", "regioncam", "parx")
MEMORY = 8 << 30  # bytes; a program that needs more is stopped
LOADING = 120  # seconds that a peer may take to be imported
SHORT, ATTEMPTS = 0.01, 5  # seconds: a shorter count runs in so many processes; the best one counts
CHECK_IN_PYTHON = 20_000  # regions: the checker in Python reads proofs up to this size


# ---- Processes


def peak_of(pid):
    """The most memory that a process held since it started, in bytes; 0 when it has ended.

    Unlike ru_maxrss this leaves out what this script held when it forked."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


def memory_of(group):
    """Bytes that a process group holds; pages that processes share are counted once."""
    total = 0
    for entry in PROC.glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group:
                lines = (entry / "smaps_rollup").read_text().splitlines()
                pss = (line.split()[1] for line in lines if line.startswith("Pss:"))
                total += sum(map(int, pss)) << 10
        except (OSError, ValueError):
            pass  # it ended meanwhile, or this is no Linux
    return total


def run(command, limit, started=None):
    """Runs a program within limits; its output, exit code and peak memory.

    The time counts from the start, or from when the file `started` appears."""
    environment = os.environ | {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    output = WORK / "output"
    with output.open("w") as out, (WORK / "errors").open("w") as errors:
        process = subprocess.Popen(
            list(map(str, command)), stdout=out, stderr=errors, env=environment,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )
        start, peak, stopped, sampled = time.monotonic(), 0, None, 0.0
        deadline = LOADING if started else limit
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                elapsed = time.monotonic() - start
                peak = max(peak, peak_of(process.pid))
                if elapsed > sampled + 0.2:  # costs more, so it happens less often
                    peak, sampled = max(peak, memory_of(process.pid)), elapsed
                if started and started.exists():
                    deadline, started = elapsed + limit, None
                if stopped is None and (elapsed > deadline or peak > MEMORY):
                    stopped = "memory" if peak > MEMORY else "time"
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.0005 if elapsed < 0.02 else 0.02)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what is left, also after Ctrl-C
            except ProcessLookupError:
                pass
    return {
        "code": process.returncode,
        "output": output.read_text(errors="replace"),
        "errors": (WORK / "errors").read_text(errors="replace"),
        "stopped": stopped,
        "memory": peak if PROC.exists() else usage.ru_maxrss << 10,
    }


# ---- The programs


def prepare(build):
    """Installs the peers and builds chambers; the versions of what can run."""
    WORK.mkdir(parents=True, exist_ok=True)
    if build or not CHAMBERS.exists() or not COUNTER.exists():
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        bench = ["cargo", "bench", "--bench", "count", "--no-run", "--message-format=json"]
        built = subprocess.run(bench, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        messages = map(json.loads, built.stdout.splitlines())
        found = [m["executable"] for m in messages if m.get("target", {}).get("name") == "count"]
        shutil.copy(found[-1], COUNTER)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    lines = [line.strip() for line in (HERE / "requirements.txt").read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*pip, *wanted], capture_output=True).returncode:
        for line in wanted:  # one by one, so that one failure does not stop the others
            done = subprocess.run([*pip, line], capture_output=True, text=True)
            if done.returncode:
                print(f"{line} does not install: {(done.stderr.splitlines() or ['?'])[-1]}")
    listing = subprocess.run(
        [PYTHON, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"],
        capture_output=True, text=True, check=True,
    )
    found = {package["name"].lower(): package["version"] for package in json.loads(listing.stdout)}
    return {peer: found.get(peer) for peer in PEERS}


def model_of(case):
    """The arguments that name a case's network and domain for chambers."""
    if case.files:
        model, domain = case.files
        return [model], ["--domain", domain]
    path = WORK / "cases" / ("".join(c if c.isalnum() else "-" for c in case.name) + ".json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(case.json()))
    domain = ["--domain", "box={},{}".format(*case.box)] if case.box else []
    return [path], domain


def count(case, limit, threads, proof=False):
    """Our own count, in a process of its own, which repeats it as worker.py does."""
    model, domain = model_of(case)
    command = [COUNTER, *model, *domain, "--threads", threads]
    if proof:
        command += ["--proof", os.devnull]  # a file would be synced, and leave cold caches
    done = run(command, limit)
    if done["stopped"] or done["code"]:
        return failure(done)
    answer = json.loads(done["output"])
    answer |= {
        "count": int(answer["count"]),
        # A short process may end before it is looked at; it looks at itself.
        "memory": max(done["memory"], answer["memory"] or 0),
    }
    return answer


def count_by(peer, case, limit):
    """A peer's count, in a process of its own."""
    result = WORK / "result.json"
    progress, started = Path(f"{result}.progress"), Path(f"{result}.started")
    for path in (result, progress, started):
        path.unlink(missing_ok=True)
    box = "{},{}".format(*case.box) if case.box else "all"
    worker = [PYTHON, HERE / "worker.py", peer, model_of(case)[0][0], box, result]
    done = run(worker, limit, started)
    if result.exists() and not done["stopped"]:
        answer = json.loads(result.read_text())
        return answer | {"memory": max(done["memory"], answer.get("memory", 0))}
    answer = failure(done)
    if progress.exists():
        answer["note"] = f"{int(progress.read_text() or 0):,} regions until then"
    return answer


def failure(done):
    last = (done["errors"].strip().splitlines() or [""])[-1]
    why = f"exit code {done['code']}: {last}"
    if done["stopped"]:
        why = f"stopped: out of {done['stopped']}"
    return {"failed": why, "memory": done["memory"]}


def confirm(case, expected):
    """Whether a proof of our count passes both checkers; what was checked."""
    model, domain = model_of(case)
    proof, listing = WORK / "proof", WORK / "listing"
    unpacked = ["--proof", proof, "--proof-packing", "none"]
    subprocess.run(
        [CHAMBERS, "count", *model, *domain, *unpacked], check=True, capture_output=True
    )
    done = subprocess.run(
        [CHAMBERS, "check", "--model", *model, "--json", proof], capture_output=True, text=True
    )
    answer = json.loads(done.stdout or "{}")
    if (answer.get("verdict"), answer.get("count")) != ("verified", str(expected)):
        return False, "chambers check does not verify our proof"
    if expected > CHECK_IN_PYTHON:
        return True, "our proof is verified by chambers check"
    subprocess.run(
        [CHAMBERS, "inspect", *model, "--listing", listing], check=True, capture_output=True
    )
    done = subprocess.run(
        [sys.executable, ROOT / "tools/check_proof.py", proof, listing],
        capture_output=True, text=True,
    )
    if done.returncode or str(expected) not in done.stdout:
        return False, "tools/check_proof.py does not verify our proof"
    return True, "our proof is verified by chambers check and by tools/check_proof.py"


# ---- The table

RATIOS = ["x chambers", "x with proof"]


def short(value):
    """Three significant digits, without an exponent."""
    decimals = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:,.{max(decimals, 0)}f}"


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def show(name, program, threads, answer, ours, proved):
    """One line; ratios are wall times over ours on one thread, without and with proof."""
    if answer.get("note"):
        program += f" ({answer['note']})"
    if "failed" in answer:
        why = answer["failed"].replace("|", "/")
        why = why if len(why) < 80 else why[:80] + "..."
        row([name, program, threads, why, "", "", "", "", ""])
        return
    ratio = lambda to: short(answer["seconds"] / to["seconds"]) if "seconds" in to else ""
    count = f"{answer['count']:,}" if "count" in answer else ""
    if "count" in answer and "count" in ours and answer["count"] != ours["count"]:
        count = f"**{count}**"
    cpu = short(answer["cpu"]) if "cpu" in answer else ""
    memory = f"{answer['memory'] / 1e6:,.0f}" if "memory" in answer else ""
    wall = short(answer["seconds"])
    row([name, program, threads, count, wall, cpu, memory, ratio(ours), ratio(proved)])


def best_of(count, *arguments, **options):
    """The best of some attempts, each a process of its own: some are slow from start to end,
    whatever program they run."""
    best = count(*arguments, **options)
    for _ in range(1, ATTEMPTS if best.get("seconds", SHORT) < SHORT else 1):
        answer = count(*arguments, **options)
        if answer.get("seconds", SHORT) < best["seconds"]:
            best = answer
    return best


def compare(case, arguments, versions):
    """All programs on one case: prints the lines, returns the records."""
    ours = best_of(count, case, arguments.limit, 1)
    proved = best_of(count, case, arguments.limit, 1, proof=True)
    all_cores = best_of(count, case, arguments.limit, os.cpu_count())
    records = [
        ("chambers", "1", ours),
        ("chambers --proof", "1", proved),
        ("chambers", str(os.cpu_count()), all_cores),
    ]
    for number, (program, threads, answer) in enumerate(records):
        show(case.title() if number == 0 else "", program, threads, answer, ours, proved)
    wrong = []
    if case.known and ours.get("count") != case.known:
        wrong.append(f"chambers says {ours.get('count')}, a theorem {case.known}")
    for peer in case.peers:
        if arguments.peers and peer not in arguments.peers:
            continue
        if versions[peer] is None:
            answer = {"failed": "not installed"}
        else:
            answer = best_of(count_by, peer, case, arguments.limit)
        records.append((peer, "1", answer))
        show("", f"{peer} {versions[peer] or ''}".strip(), "1", answer, ours, proved)
    for program, elapsed in case.marks:
        mark = {"seconds": elapsed}
        records.append((f"{program}, measured elsewhere", "", mark))
        show("", f"{program}, *measured elsewhere*", "", mark, ours, proved)
    differing = [
        (program, answer["count"])
        for program, _, answer in records
        if "count" in answer and answer["count"] != ours.get("count")
    ]
    if differing and "count" in ours:
        good, how = confirm(case, ours["count"])
        for program, found in differing:
            verdict = f"{case.name}: {program} counts {found:,}, chambers {ours['count']:,}; {how}"
            wrong.append(verdict)
        if not good:
            wrong.append(f"{case.name}: NO VERDICT, {how}")
    return [
        {"case": case.name, "program": program, "threads": threads} | answer
        for program, threads, answer in records
    ], wrong


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or "unknown processor"
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def version_of(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="cases whose name contains one of these")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a count [120]")
    parser.add_argument("--quick", action="store_true", help="small cases; fail on any difference")
    parser.add_argument("--peers", nargs="*", choices=PEERS, help="only these peers")
    parser.add_argument("--no-build", action="store_true", help="take chambers as it is")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.limit = min(arguments.limit, 60)

    versions = prepare(not arguments.no_build)
    facts = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "limit": arguments.limit,
        "versions": {
            "chambers": version_of(CHAMBERS, "--version").removeprefix("chambers "),
            "commit": version_of("git", "rev-parse", "--short", "HEAD"),
            "rustc": version_of("rustc", "--version"),
            "python": platform.python_version(),
        } | versions,
    }
    print(f"{facts['date']}; {facts['machine']}; limit {arguments.limit:g} s")
    versioned = facts["versions"].items()
    print("; ".join(f"{name} {version or 'not installed'}" for name, version in versioned))
    print()
    row(["case", "program", "threads", "regions", "seconds", "CPU s", "peak MB"] + RATIOS)
    row(["---"] * 3 + ["---:"] * 6)

    part = arguments.quick or arguments.names or arguments.peers
    results = WORK / ("results-part.json" if part else "results.json")
    records, wrong, failed = [], [], []
    for case in ALL:
        if arguments.quick and not case.quick:
            continue
        if arguments.names and not any(name in case.name for name in arguments.names):
            continue
        if case.files and not all(path.exists() for path in case.files):
            print(f"{case.name}: no file {case.files[0].name}, left out", file=sys.stderr)
            continue
        some, bad = compare(case, arguments, versions)
        records += some
        wrong += bad
        failed += [f"{r['case']}: {r['program']}: {r['failed']}" for r in some if "failed" in r]
        # After each case, so that a run that is interrupted leaves what it found.
        everything = facts | {"results": records, "differences": wrong}
        results.write_text(json.dumps(everything, indent=1))
    print()
    print("Differences:" if wrong else "All counts agree.")
    for line in wrong:
        print(f"- {line}")
    print(f"Results are in {results.relative_to(ROOT)}.", file=sys.stderr)
    bad = [line for line in wrong if "NO VERDICT" in line or "a theorem" in line]
    if bad or arguments.quick and (wrong or failed):
        for line in failed:
            print(f"- {line}")
        sys.exit(1)


if __name__ == "__main__":
    main()
