#!/usr/bin/env bash
# Model tests: every interleaving of the concurrency protocols on small sizes (loom), and the proof that the net catches fish.
#
#   scripts/model.sh                          all models, then the planted bug
#   scripts/model.sh ring::models::model_     only the models whose name contains this
#
# The models are the in-crate tests of `thalweg` whose name contains `model_`. The second build adds `--cfg canary`, which weakens the
# ordering of the ring's commit (engine/src/ring/spsc.rs); there at least one model must fail, or the models are worth nothing. By hand:
#
#   RUSTFLAGS="--cfg loom --cfg canary" CARGO_TARGET_DIR=target-loom cargo test -p thalweg --lib --release ring::models::model_
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target-loom}"
filter="${1:-model_}"

run() { # run FLAGS FILTER...
    RUSTFLAGS="$1" cargo test --package thalweg --lib --release -- "${@:2}"
}

echo "model.sh: models"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
run "--cfg loom" "$filter" 2>&1 | tee "$log"
if ! grep -Eq '^test result: ok\. [1-9]' "$log"; then
    echo "model.sh: no model ran; is the filter right?" >&2
    exit 1
fi

echo "model.sh: the planted bug (--cfg canary) must be noticed"
if ! RUSTFLAGS="--cfg loom --cfg canary" cargo test --package thalweg --lib --release --no-run; then
    echo "model.sh: the canary does not compile, so it proves nothing" >&2
    exit 1
fi
if run "--cfg loom --cfg canary" ring::models::model_ >"$log" 2>&1; then
    cat "$log"
    echo "model.sh: the models passed with the commit's ordering weakened: they check nothing" >&2
    exit 1
fi
if ! grep -q '^test result: FAILED' "$log"; then
    cat "$log"
    echo "model.sh: the canary run broke before a model could fail" >&2
    exit 1
fi
grep -E '^test |^test result' "$log"
echo "model.sh: noticed"
