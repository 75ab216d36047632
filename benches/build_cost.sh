#!/usr/bin/env bash
# What it costs to build a program with `paid`, beside one with the libraries that it would take
# without: CPU seconds of clean builds in turns, and what the crates of each cost.
#
#   benches/build_cost.sh [--release] [ROUNDS]
set -euo pipefail

profile=dev
if [ "${1:-}" = --release ]; then
    profile=release
    shift
fi
rounds=${1:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A program in a directory of its own, with the versions that this repository is locked to.
package() { # name, dependencies, main
    mkdir -p "$work/$1/src"
    printf '[package]\nname = "uses-%s"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n%s\n' \
        "$1" "$2" >"$work/$1/Cargo.toml"
    printf '%s\n' "$3" >"$work/$1/src/main.rs"
    cp "$root/Cargo.lock" "$work/$1/Cargo.lock"
    cargo fetch --quiet --manifest-path "$work/$1/Cargo.toml"
}

tokio='tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }'

package paid "paid = { path = \"$root\" }
$tokio" '
#[tokio::main]
async fn main() -> Result<(), paid::Error> {
    let customer = paid::AsyncPaid::from_env()?.customers().get("cus_1").await?;
    println!("{}", customer.name);
    Ok(())
}'

# The features of reqwest are those that it has in a program with `paid`.
package bare "reqwest = { version = \"0.13\", default-features = false, features = [\"json\", \"query\", \"rustls\", \"stream\"] }
serde = { version = \"1\", features = [\"derive\"] }
serde_json = \"1\"
$tokio" '
#[derive(serde::Deserialize)]
struct Customer {
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = std::env::var("PAID_API_KEY")?;
    let request = reqwest::Client::new().get("https://api.agentpaid.io/api/v1/customers/cus_1").bearer_auth(key);
    let customer: Customer = request.send().await?.error_for_status()?.json().await?;
    println!("{}", customer.name);
    Ok(())
}'

# Notes the CPU seconds of each compiler run beside the name of its crate.
cat >"$work/rustc" <<'WRAPPER'
#!/usr/bin/env bash
crate=? previous=
for argument in "$@"; do
    [ "$previous" = --crate-name ] && crate=$argument
    case $argument in --crate-name=*) crate=${argument#*=} ;; esac
    # Build scripts of all crates have the same few names: the place of the source tells them apart.
    case $argument in
        "$ROOT/build.rs") crate="paid (build script)" ;;
        */build.rs | */build/main.rs) crate="${argument%/*} (build script)" crate=${crate##*/} ;;
    esac
    previous=$argument
done
TIMEFORMAT="%U %S $crate"
exec 3>&2
{ time "$@" 2>&3; } 2>>"$CRATES"
WRAPPER
chmod +x "$work/rustc"

# A path dependency would be built incrementally, one from a registry would not.
export CARGO_INCREMENTAL=0 RUSTC_WRAPPER="$work/rustc" ROOT="$root"
arguments=(--quiet --offline --profile "$profile")

build() { # name, round
    export CARGO_TARGET_DIR="$work/target-$1" CRATES="$work/crates-$1-$2"
    rm -rf "$CARGO_TARGET_DIR"
    local TIMEFORMAT='%U %S'
    exec 4>&2
    { time cargo build "${arguments[@]}" --manifest-path "$work/$1/Cargo.toml" 2>&4; } 2>"$work/time"
    awk '{ printf "%.1f\n", $1 + $2 }' "$work/time" >>"$work/seconds-$1"
}

median() {
    sort -n "$1" | awk '{ all[NR] = $1 } END { print NR % 2 ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2 }'
}

# The crates of the last build that cost most. What no compiler run accounts for is build scripts at
# work, C compilers and the linker's cargo side.
dearest() { # name
    echo
    echo "| $1: crate | CPU seconds |"
    echo "|---|---:|"
    awk -v total="$(tail -1 "$work/seconds-$1")" '
        { cost = $1 + $2; sub(/^[^ ]+ [^ ]+ /, ""); sum[$0] += cost; all += cost }
        END {
            for (crate in sum) printf "| %s | %.1f |\n", crate, sum[crate]
            printf "| (build scripts at work, C compilers) | %.1f |\n", total - all
        }' "$work/crates-$1-$rounds" | sort -t'|' -k3 -rn | head -20
}

for round in $(seq "$rounds"); do
    if [ $((round % 2)) = 1 ]; then order="paid bare"; else order="bare paid"; fi
    for name in $order; do
        build "$name" "$round"
        echo "round $round, $name: $(tail -1 "$work/seconds-$name") CPU s" >&2
    done
done

paid=$(median "$work/seconds-paid") bare=$(median "$work/seconds-bare")
echo "| clean $profile build | paid, CPU s | bare, CPU s | ratio | target |"
echo "|---|---:|---:|---:|---:|"
awk -v profile="$profile" -v paid="$paid" -v bare="$bare" \
    'BEGIN { printf "| median of '"$rounds"' | %.1f | %.1f | %.2f | %s |\n", paid, bare, paid / bare, profile == "dev" ? "≤ 1.60" : "–" }'
dearest paid
dearest bare
