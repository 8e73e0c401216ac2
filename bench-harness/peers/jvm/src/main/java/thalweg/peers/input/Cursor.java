package thalweg.peers.input;

/**
 * Reads a part of a replayed sequence: of stretches of {@link #STRETCH} records every {@code parts}-th one, so that all parts move on in event
 * time together.
 */
public final class Cursor<T> {
    /** Records that a part takes in a row. */
    public static final int STRETCH = 1_024;

    private final Block<T> block;
    private final long events;
    private final long skip;

    /** Place of the next record in the sequence. */
    private long next;
    /** Where its stretch ends. */
    private long stretchEnd;
    /** Its place in the block, and how far its lap is ahead. */
    private int index;
    private long time;
    private long seq;

    Cursor(Block<T> block, long events, int part, int parts, long from) {
        this.block = block;
        this.events = events;
        this.skip = (long) (parts - 1) * STRETCH;
        seek(Math.max(from, (long) part * STRETCH));
    }

    private void seek(long place) {
        next = place;
        stretchEnd = (place / STRETCH + 1) * STRETCH;
        long lap = place / block.length;
        index = (int) (place % block.length);
        time = lap * block.span;
        seq = lap * block.length;
    }

    /** Makes {@code record} the next one, or says that there is none. */
    public boolean next(T record) {
        if (next >= events) {
            return false;
        }
        block.fill(record, index, time, seq);
        next++;
        if (next == stretchEnd) {
            seek(next + skip);
        } else if (++index == block.length) {
            index = 0;
            time += block.span;
            seq += block.length;
        }
        return true;
    }

    /** Place of the next record in the sequence: where a reader that is restored goes on. */
    public long position() {
        return next;
    }

    /** Records that a part takes in all. */
    public static long countOf(long events, int part, int parts) {
        long round = (long) parts * STRETCH;
        long rest = events % round - (long) part * STRETCH;
        return events / round * STRETCH + Math.max(0, Math.min(rest, STRETCH));
    }
}
