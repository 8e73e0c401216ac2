package thalweg.peers.input;

/** The records of all workloads that read {@link Event}s. */
public final class EventBlock extends Block<Event> {
    private static final int RECORD_BYTES = 32;
    private static final long TUMBLING_KEYS = 10_000;
    private static final long SLIDING_KEYS = 1_000;
    private static final long JOIN_KEYS = 10_000;
    private static final long STRAGGLER_OF = 100;
    private static final long STRAGGLER_MS = 1_000;
    private static final long STRAGGLER_RANGE_MS = 10_000;

    /** What the value of a straggler of {@code disorder} has more than others. */
    public static final long STRAGGLER_MARK = 10_000;

    /** No record of {@code disorder} but a straggler comes after one that is later by this or more, in ms. */
    public static final long BOUND_MS = 500;

    private final long[] keys;
    private final long[] values;
    private final long[] times;

    private EventBlock(int length, int recordsPerMs) {
        super(length, spanOf(length, recordsPerMs));
        keys = new long[length];
        values = new long[length];
        times = times(length, span);
    }

    private static EventBlock sized(long events, long blockBytes, int recordsPerMs) {
        return new EventBlock(lengthOf(blockBytes, RECORD_BYTES, events), recordsPerMs);
    }

    /** Keys and values of 64 random bits. */
    public static EventBlock stateless(long seed, long events, long blockBytes) {
        EventBlock block = sized(events, blockBytes, 1_000);
        Draw key = new Draw(seed, 0);
        Draw value = new Draw(seed, 1);
        for (int i = 0; i < block.length; i++) {
            block.keys[i] = key.bits(i);
            block.values[i] = value.bits(i);
        }
        return block;
    }

    /** Uniform keys, or those keys scattered over 64 bits. */
    public static EventBlock tumbling(long seed, long events, long blockBytes, boolean scattered) {
        EventBlock block = sized(events, blockBytes, 1_000).drawn(seed, TUMBLING_KEYS);
        for (int i = 0; scattered && i < block.length; i++) {
            block.keys[i] = Mix.mix(block.keys[i]);
        }
        return block;
    }

    public static EventBlock sliding(long seed, long events, long blockBytes) {
        return sized(events, blockBytes, 1_000).drawn(seed, SLIDING_KEYS);
    }

    /** Both streams in one. A short block has fewer keys, so that it has pairs too. */
    public static EventBlock join(long seed, long events, long blockBytes) {
        EventBlock block = sized(events, blockBytes, 10);
        return block.drawn(seed, Math.max(1, Math.min(block.length / 2, JOIN_KEYS)));
    }

    /** As {@code tumbling}, each record ahead of its place, and a few stragglers behind it. */
    public static EventBlock disorder(long seed, long events, long blockBytes) {
        EventBlock block = tumbling(seed, events, blockBytes, false);
        Draw ahead = new Draw(seed, 2);
        Draw straggles = new Draw(seed, 3);
        Draw behind = new Draw(seed, 4);
        for (int i = 0; i < block.length; i++) {
            if (i > 0 && straggles.below(i, STRAGGLER_OF) == 0) {
                block.times[i] -= STRAGGLER_MS + behind.below(i, STRAGGLER_RANGE_MS);
                block.values[i] += STRAGGLER_MARK;
            } else {
                block.times[i] += ahead.below(i, BOUND_MS);
            }
        }
        return block;
    }

    /** Uniform keys, values in -1000..1000. */
    private EventBlock drawn(long seed, long keyCount) {
        Draw key = new Draw(seed, 0);
        Draw value = new Draw(seed, 1);
        for (int i = 0; i < length; i++) {
            keys[i] = key.below(i, keyCount);
            values[i] = value.below(i, 2_000) - 1_000;
        }
        return this;
    }

    @Override
    public Event create() {
        return new Event();
    }

    @Override
    public void fill(Event record, int index, long time, long seq) {
        record.key = keys[index];
        record.value = values[index];
        record.eventTime = times[index] + time;
        record.seq = seq + index;
    }

    @Override
    public long eventTime(Event record) {
        return record.eventTime;
    }
}
