#!/usr/bin/env bash
# Model tests: every interleaving of the concurrency protocols on small sizes (loom), and the proof that the net catches fish.
#
#   scripts/model.sh                              all models, then the planted bug
#   scripts/model.sh ring::models::model_control  only the models whose name contains this, then the planted bug
#
# The models are the in-crate tests of `thalweg` whose name contains `model_`. The second build adds `--cfg canary`, which weakens the
# ordering of the ring's commit (engine/src/ring/spsc.rs); with it a model must fail, or the models are worth nothing. By hand:
#
#   export CARGO_TARGET_DIR=target-loom
#   RUSTFLAGS="--cfg loom"               cargo test -p thalweg --lib --release model_
#   RUSTFLAGS="--cfg loom --cfg canary"  cargo test -p thalweg --lib --release ring::models::model_     # must fail
#
# The script gives `--cfg canary` to this crate alone, so that the dependencies are not built once more for it.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target-loom}"
export RUSTFLAGS="--cfg loom ${RUSTFLAGS:-}"
filter="${1:-model_}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

echo "model.sh: models ($filter)"
cargo test --package thalweg --lib --release -- "$filter" 2>&1 | tee "$log"
if ! grep -Eq '^test result: ok\. [1-9]' "$log"; then
    echo "model.sh: no model ran; is the filter right?" >&2
    exit 1
fi

echo "model.sh: the planted bug (--cfg canary) must be noticed"
# The bench profile is the release profile for test binaries; the binary's path is in cargo's messages.
canary="$(cargo rustc --package thalweg --lib --profile bench --message-format json-render-diagnostics -- --cfg canary |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)"
if [[ ! -x "$canary" ]]; then
    echo "model.sh: the canary was not built, so it proves nothing" >&2
    exit 1
fi
if timeout 120 "$canary" ring::models::model_ >"$log" 2>&1; then
    cat "$log"
    echo "model.sh: the models passed with the commit's ordering weakened: they check nothing" >&2
    exit 1
fi
if ! grep -q 'Causality violation' "$log" || ! grep -q '^test result: FAILED' "$log"; then
    cat "$log"
    echo "model.sh: the canary run broke, but not because a model noticed the bug" >&2
    exit 1
fi
grep -E '^test |^test result' "$log"
echo "model.sh: noticed"
