package thalweg.peers.input;

/**
 * A block of records that is replayed in laps.
 *
 * <pre>
 *   lap 0                lap 1                          lap 2 (partial)
 *   r0 r1 … r(len-1)  │  r0 r1 … r(len-1)            │  r0 r1 … r(k-1)
 *   time +0, seq +0   │  time +span, seq +len        │  time +2 span, seq +2 len
 * </pre>
 *
 * The records are those of the harness, bit by bit: a test compares ten million of each kind.
 */
public abstract class Block<T> {
    /** Event time of the first record, in ms since the epoch. */
    static final long FIRST_TIME = 1_700_000_000_123L;

    /** Records of a lap. */
    public final int length;

    /** Event time that a lap covers, in ms. */
    public final long span;

    protected Block(int length, long span) {
        this.length = length;
        this.span = span;
    }

    /** An empty record. */
    public abstract T create();

    /** Makes {@code record} the {@code index}-th of a lap that is {@code time} ms and {@code seq} records ahead of the block. */
    public abstract void fill(T record, int index, long time, long seq);

    /** When a record happened, in ms since the epoch. */
    public abstract long eventTime(T record);

    /** A reader of {@code part} of {@code parts}. */
    public Cursor<T> cursor(long events, int part, int parts, long from) {
        return new Cursor<>(this, events, part, parts, from);
    }

    /** Records in a block of so many bytes: no more than the run takes. */
    static int lengthOf(long blockBytes, int recordBytes, long events) {
        return (int) Math.max(1, Math.min(blockBytes / recordBytes, events));
    }

    /** Event time that a block covers, in ms. */
    static long spanOf(int length, int recordsPerMs) {
        return Math.max(1, length / recordsPerMs);
    }

    /** Event times, spread evenly over the span. */
    static long[] times(int length, long span) {
        long[] times = new long[length];
        for (int i = 0; i < length; i++) {
            times[i] = FIRST_TIME + i * span / length;
        }
        return times;
    }
}
