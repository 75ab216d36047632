#!/usr/bin/env bash
# The Python SDK beside this one, on the same server. Options go to the Rust side: --quick.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
environment=${TMPDIR:-/tmp}/paid-bench-python
sdk=paid-python==0.0.5a39

if ! "$environment/bin/pip" freeze 2>/dev/null | grep -qx "$sdk"; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "$sdk"
fi
"$environment/bin/python" "$here/compare.py" "$@"
echo
"$environment/bin/python" "$here/tracing.py"
echo
"$environment/bin/python" "$here/delivery.py"
