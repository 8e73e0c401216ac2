#!/usr/bin/env bash
# Model tests: every interleaving of the concurrency protocols on small sizes (loom), and the proof that the net catches fish.
#
#   scripts/model.sh                              all models, then the planted bugs
#   scripts/model.sh ring::models::model_control  only the models whose name contains this, then the planted bugs
#
# The models are the in-crate tests of `thalweg` whose name contains `model_`. The second build adds `--cfg canary`, in which the variable CANARY names
# the bug that is planted (`planted` in engine/src/sync.rs); with each of them a model must fail, or the models are worth nothing. By hand:
#
#   export CARGO_TARGET_DIR=target-loom
#   RUSTFLAGS="--cfg loom"                             cargo test -p thalweg --lib --release model_
#   RUSTFLAGS="--cfg loom --cfg canary" CANARY=commit  cargo test -p thalweg --lib --release ring::models::model_     # must fail
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

echo "model.sh: planted bugs (--cfg canary) must be noticed"
# The bench profile is the release profile for test binaries; the binary's path is in cargo's messages.
canary="$(cargo rustc --package thalweg --lib --profile bench --message-format json-render-diagnostics -- --cfg canary |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)"
if [[ ! -x "$canary" ]]; then
    echo "model.sh: the canary was not built, so it proves nothing" >&2
    exit 1
fi

# With the bug $1 planted, one of the models named $2 must fail and say $3.
notices() {
    echo "model.sh: $1"
    if CANARY="$1" timeout 120 "$canary" "$2" >"$log" 2>&1; then
        cat "$log"
        echo "model.sh: the models passed with the bug \`$1\` planted: they do not look there" >&2
        exit 1
    fi
    if ! grep -q "$3" "$log"; then
        cat "$log"
        echo "model.sh: the run with the bug \`$1\` broke, but not because a model noticed" >&2
        exit 1
    fi
    # After a deadlock loom cannot unwind, and no result follows.
    grep -E "^test .*FAILED|^test result|$3" "$log"
}
# Records may be seen after the tail that announces them; slots may be written before the consumer has left them; the end may be seen before the
# last records; a worker may go to sleep without having seen the work that nobody will wake it for: because the announcement of its sleep came late,
# because a handle did not learn whom to wake, because it was woken before the job's end could be seen, or because nobody woke it for a record at all.
notices commit ring::models::model_ 'Causality violation'
notices release ring::models::model_ 'Causality violation'
notices abandon ring::models::model_consumer_sees_everything_before_abandonment 'left == right'
notices park runtime::park::models::model_ '^deadlock; threads'
notices bell source::ingress::models::model_ '^deadlock; threads'
notices shutdown runtime::shutdown::models::model_ '^deadlock; threads'
notices outlet exchange::outlet::models::model_ '^deadlock; threads'
echo "model.sh: all noticed"
