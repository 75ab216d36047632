"""Scopes with a signal in the Python SDK, beside benches/delivery: spans per second, CPU and bytes, to the same kind of sink.

Run it by run.sh, which brings the Python SDK.
"""

import resource
import subprocess
import time
from pathlib import Path

from paid import Paid

ROOT = Path(__file__).resolve().parents[2]
BENCH = ["cargo", "bench", "--quiet", "--package", "paid-benches", "--bench", "delivery", "--"]
CALLS = 500
SPANS_PER_CALL = 2


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def python(endpoint):
    """Spans per second, and CPU seconds per span; each span is delivered when the call returns."""
    client = Paid(token="bench_key")
    client.initialize_tracing(collector_endpoint=endpoint)

    def work():
        client.signal("report_written", data={"pages": 12})

    started, used = time.perf_counter(), cpu_seconds()
    for _ in range(CALLS):
        client.trace("customer_1", work, external_agent_id="agent_1")
    spans = CALLS * SPANS_PER_CALL
    return spans / (time.perf_counter() - started), (cpu_seconds() - used) / spans


def main():
    with subprocess.Popen([*BENCH, "--serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        rate, cpu = python(sink.stdout.readline().strip())
        sink.stdin.close()
        requests, size = map(int, sink.stdout.readline().split())
    rust = subprocess.run([*BENCH, "--tsv"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    rust_rate, rust_cpu, rust_size = map(float, rust)
    spans = CALLS * SPANS_PER_CALL
    print("| delivery, scopes with a signal with data | paid (Rust), memory | paid-python | ratio |")
    print("|---|---:|---:|---:|")
    print(f"| spans/s, end to end | {rust_rate:,.0f} | {rate:,.0f} | {rust_rate / rate:,.0f} |")
    print(f"| CPU per span | {rust_cpu:.2f} µs | {cpu * 1e6:,.0f} µs | {cpu * 1e6 / rust_cpu:,.0f} |")
    print(f"| bytes per span | {rust_size:.1f} | {size / spans:,.1f} | {size / spans / rust_size:.1f} |")
    print(f"\nPython: {requests} requests for {spans} spans.")


if __name__ == "__main__":
    main()
