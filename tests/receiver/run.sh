#!/usr/bin/env bash
# What examples/traced.rs sends, as others read it: the OpenTelemetry project's classes, once straight from the SDK and
# once through a collector (rotel). Needs: cargo, python3 with venv; installs what else it uses under target/.
set -euo pipefail
here=tests/receiver
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/receiver-venv
work=$(mktemp -d)
started=()

finish() {
    local status=$?
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
    if [ "$status" -ne 0 ]; then tail -n 50 "$work"/*.log || true; fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# Waits until a command succeeds, for 20 s at most.
until_true() {
    for _ in $(seq 200); do
        if "$@" 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "in vain: $*"
    return 1
}

free_port() {
    "$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

listens() { (: <"/dev/tcp/127.0.0.1/$1"); }

# Starts a recorder for a name; its port is in $work/NAME/port.
record() {
    mkdir "$work/$1"
    "$venv/bin/python" "$here/record.py" "$work/$1" >"$work/$1.log" 2>&1 &
    started+=($!)
    until_true test -s "$work/$1/port"
}

# Runs the example against a collector's port and prints the trace's id.
traced() {
    PAID_API_KEY=key_of_the_receiver PAID_OTEL_COLLECTOR_ENDPOINT="http://127.0.0.1:$1/v1/traces" \
        cargo run --quiet --package paid --example traced | sed -n 's/^trace //p'
}

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

echo "straight from the SDK:"
record direct
trace=$(traced "$(cat "$work/direct/port")")
"$venv/bin/python" "$here/check.py" "$work/direct" "$trace" --as-sent

echo "through a collector:"
record passed_on
http=$(free_port) grpc=$(free_port)
agent=$("$venv/bin/python" -c 'import pathlib, rotel; print(pathlib.Path(rotel.__file__).parent / "rotel-agent")')
"$agent" start --pid-file "$work/rotel.pid" --log-file "$work/rotel-agent.log" \
    --otlp-http-endpoint "127.0.0.1:$http" --otlp-grpc-endpoint "127.0.0.1:$grpc" --batch-timeout 100ms \
    --exporter otlp --otlp-exporter-protocol http --otlp-exporter-endpoint "http://127.0.0.1:$(cat "$work/passed_on/port")" \
    --debug-log traces >"$work/rotel.log" 2>&1 &
started+=($!)
until_true listens "$http"
trace=$(traced "$http")
"$venv/bin/python" "$here/check.py" "$work/passed_on" "$trace"
