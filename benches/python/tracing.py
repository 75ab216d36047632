"""A scope with a signal in the Python SDK, beside benches/tracing: the caller's time, to the same kind of sink.

Run it by run.sh, which brings the Python SDK.
"""

import statistics
import subprocess
import time
from pathlib import Path

from paid import Paid

ROOT = Path(__file__).resolve().parents[2]
BENCH = ["cargo", "bench", "--quiet", "--package", "paid-benches", "--bench", "tracing", "--"]
CALLS = 500


def python(endpoint):
    """Nanoseconds of each call, in order."""
    client = Paid(token="benchmark_key")
    client.initialize_tracing(collector_endpoint=endpoint)

    def work():
        client.signal("report_written", data={"pages": 12}, enable_cost_tracing=True)

    times = []
    for _ in range(CALLS + 50):
        started = time.perf_counter_ns()
        client.trace("customer_1", work, external_agent_id="agent_1")
        times.append(time.perf_counter_ns() - started)
    return sorted(times[50:])


def main():
    with subprocess.Popen([*BENCH, "--serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        times = python(sink.stdout.readline().strip())
        sink.stdin.close()
    rust = subprocess.run([*BENCH, "--tsv"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    print("| scope + signal, caller's thread | paid (Rust) | paid-python | Python takes |")
    print("|---|---:|---:|---:|")
    for name, ours, theirs in [
        ("p50", int(rust[0]), statistics.median(times)),
        ("p99", int(rust[1]), times[int(len(times) * 0.99)]),
    ]:
        print(f"| {name} | {ours:,} ns | {theirs:,.0f} ns | {theirs / ours:,.0f} × as long |")


if __name__ == "__main__":
    main()
