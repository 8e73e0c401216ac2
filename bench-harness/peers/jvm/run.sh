#!/usr/bin/env bash
# Starts a JVM peer, which talks to the harness over standard input and output: run.sh flink, run.sh lmax-disruptor.
#
# Where it cannot be started it refuses each run and says what is missing, so that the runs of other systems go on.
set -euo pipefail
cd "$(dirname "$0")"
peer=$1
shift

refuse() {
    printf '{"is":"hello","protocol":1,"name":"%s","version":"not built"}\n' "$peer"
    while read -r order; do
        case $order in *quit*) exit 0 ;; esac
        printf '{"is":"refused","reason":"%s"}\n' "$1"
    done
    exit 0
}

missing=$(../../../scripts/peers check 2>&1 >/dev/null) || refuse "$missing"

source opens.sh

# Options of the JVM come from the description, after the peer's name.
# Its own warnings are no replies either. Java looks at no TMPDIR; what Flink leaves behind is all in there, but the file of counters for tools that watch a JVM,
# which would be in /tmp.
exec java "${opens[@]}" "-Djava.io.tmpdir=${TMPDIR:-/tmp}" -XX:-UsePerfData -XX:+DisplayVMOutputToStderr -Xlog:disable -Xlog:all=warning:stderr "$@" -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "target/peers.jar:target/lib/*" thalweg.peers.Main "$peer"
