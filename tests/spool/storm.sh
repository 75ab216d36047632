#!/usr/bin/env bash
# The tests of durable delivery at length: hundreds of kills, and as much damage.
# The last result of the kills is in README.md beside this.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SPOOL_ROUNDS="${SPOOL_ROUNDS:-250}"

cargo build --package paid --example emitter --example forks
# One at a time: a kill is timed to the millisecond.
for tests in kills:: corruption:: sharing::; do
    cargo test --package paid --test spool -- --show-output --test-threads 1 "$tests"
done
