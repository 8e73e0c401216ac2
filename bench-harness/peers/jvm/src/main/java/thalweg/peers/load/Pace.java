package thalweg.peers.load;

/**
 * What both ends of an open loop share: the arrivals, a clock that starts for both at the same time, and when a sample of the records was sent.
 *
 * <pre>
 *   due(i)  fixed before the run                             a late sender is charged to every record that waited for it
 *     │
 *     ├── source: sent(i) ─▶ system under test ─▶ sink: left(i), number in flight
 *     └──────────────── latency = left − due ───────┘         uncorrected = left − sent     lateness = sent − due
 * </pre>
 */
public final class Pace {
    /** Records of which both ends keep the times. */
    private static final long TABLE_RECORDS = 1 << 20;
    /** From readiness to the first record. */
    private static final long LEAD_NS = 5_000_000;
    /** What is not measured: this share of the records, but no more than those of so many seconds. */
    private static final double WARM_SHARE = 0.1;
    private static final double WARM_SECONDS = 0.2;

    public final Arrivals arrivals;
    /** Records at the beginning that are not measured. */
    final long warm;
    final long stride;
    /** When each {@code stride}-th record was sent: written by the source, read after the run. */
    final long[] sentAt;
    private volatile long start;
    private volatile long lastSent;

    public Pace(Arrivals arrivals) {
        this.arrivals = arrivals;
        warm = (long) Math.min(arrivals.events * WARM_SHARE, arrivals.meanPerS() * WARM_SECONDS);
        stride = Math.max(1, (arrivals.events + TABLE_RECORDS - 1) / TABLE_RECORDS);
        sentAt = new long[(int) ((arrivals.events + stride - 1) / stride)];
    }

    /** Begins, a little later. */
    public void start() {
        start = System.nanoTime() + LEAD_NS;
    }

    /** Ns since the start; less than zero before it. */
    public long now() {
        return System.nanoTime() - start;
    }

    /** The start, on the clock of {@link System#nanoTime}. */
    public long startNanoTime() {
        return start;
    }

    /** Notes that record {@code index} was sent. For the source alone. */
    public void sent(long index, long now) {
        if (index % stride == 0) {
            sentAt[(int) (index / stride)] = now;
        }
        if (index == arrivals.events - 1) {
            lastSent = now;
        }
    }

    /** Records per second that entered. */
    double entryPerS() {
        return arrivals.events * 1e9 / lastSent;
    }
}
