"""The Python SDK doing the calls of benches/client, against the same server, beside its numbers.

Run it by run.sh, which brings the Python SDK.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path

from paid import AsyncPaid, Paid, Signal

ROOT = Path(__file__).resolve().parents[2]
BENCH = ["cargo", "bench", "--quiet", "--package", "paid-benches", "--bench", "client", "--"]
CUSTOMER = "9a4f3c52-6f0e-4a43-9d3f-5d2f0b7c1e88"
SIGNALS = 10_000
CONCURRENT = 64


def rounds(count, run):
    """The median of the seconds per call that `run` answers with, after a warm-up."""
    run()
    return statistics.median(run() for _ in range(count))


def one_after_the_other(client, calls=100):
    started = time.perf_counter()
    for _ in range(calls):
        client.customers.get(CUSTOMER)
    return (time.perf_counter() - started) / calls


async def async_one_after_the_other(client, calls=100):
    started = time.perf_counter()
    for _ in range(calls):
        await client.customers.get(CUSTOMER)
    return (time.perf_counter() - started) / calls


async def concurrent(client, calls=10):
    async def task():
        for _ in range(calls):
            await client.customers.get(CUSTOMER)

    started = time.perf_counter()
    await asyncio.gather(*(task() for _ in range(CONCURRENT)))
    return (time.perf_counter() - started) / (CONCURRENT * calls)


def bulk(client, signals):
    started = time.perf_counter()
    client.usage.record_bulk(signals=signals)
    return time.perf_counter() - started


def samples():
    kinds = json.loads((ROOT / "examples/data/signals.json").read_text())
    return [
        Signal(**kind, external_customer_id=f"customer-{at % 100}")
        for at, kind in enumerate(islice(cycle(kinds), SIGNALS))
    ]


def python(base_url):
    """Seconds per call by the name of the case in benches/client."""
    client = Paid(token="benchmark_key", base_url=base_url)
    # One event loop throughout: connections belong to the loop that opened them.
    loop = asyncio.new_event_loop()
    async_client = AsyncPaid(token="benchmark_key", base_url=base_url)
    signals = samples()
    return {
        "get": rounds(20, lambda: loop.run_until_complete(async_one_after_the_other(async_client))),
        "get_64": rounds(10, lambda: loop.run_until_complete(concurrent(async_client))),
        "record_bulk": rounds(10, lambda: bulk(client, signals)),
        "blocking_get": rounds(20, lambda: one_after_the_other(client)),
    }


def rust(*options):
    """Seconds per call with the Rust SDK."""
    output = subprocess.run([*BENCH, "--tsv", *options], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    rows = (line.split("\t") for line in output.stdout.splitlines())
    return {key: float(paid) for key, paid, _ in rows}


def main():
    server = subprocess.Popen(
        [*BENCH, "--serve", "0"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    # It serves until its standard input ends.
    with server:
        in_python = python(server.stdout.readline().strip())
    in_rust = rust(*sys.argv[1:])

    def time_of(seconds):
        return f"{seconds * 1e6:,.0f} µs"

    def rate_of(seconds, per_call=1):
        return f"{per_call / seconds:,.0f}/s"

    rows = [
        ("get", "one `customers().get` after the other, async", time_of),
        ("get_64", "64 concurrent `customers().get`", rate_of),
        ("record_bulk", "`usage().record_bulk` of 10,000 signals", lambda seconds: rate_of(seconds, SIGNALS)),
        ("blocking_get", "blocking `customers().get`", time_of),
    ]
    print(f"| what | paid (Rust) | paid-python {version('paid-python')} | Python takes |")
    print("|---|---:|---:|---:|")
    for key, what, show in rows:
        times = in_python[key] / in_rust[key]
        print(f"| {what} | {show(in_rust[key])} | {show(in_python[key])} | {times:.1f} × as long |")


if __name__ == "__main__":
    main()
