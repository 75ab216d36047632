# The developer's menu. Each line is also what CI runs: see .ci/run.

default:
    @just --list

# Format, lints, docs, unit tests
check:
    .ci/run check

# All tests of the workspace
test:
    .ci/run tests

# Features one by one, the spec, examples, other readers of traces
extras:
    .ci/run extras

# One test: just one it a_name
one BINARY NAME:
    cargo test --package paid-tests --test {{BINARY}} -- {{NAME}}

# Tests of the adapters with the AI clients
adapters:
    cargo test --package paid-adapter-tests

# Where the generated client is
generated:
    cargo build --package paid --quiet
    @ls -td target/debug/build/paid-*/out | head -1

# Benchmarks: just bench client
bench NAME:
    cargo bench --package paid-benches --bench {{NAME}}
