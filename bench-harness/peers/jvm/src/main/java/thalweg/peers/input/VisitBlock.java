package thalweg.peers.input;

/** The records of {@code session}: a tenth of the keys is active at a time, and which ones moves on with event time. */
public final class VisitBlock extends Block<Visit> {
    private static final int RECORD_BYTES = 16;
    private static final long KEYS = 10_000;
    private static final long ACTIVE_KEYS = 1_000;
    private static final long MS_PER_KEY = 4;

    private final long[] keys;
    private final long[] times;

    public VisitBlock(long seed, long events, long blockBytes) {
        this(seed, lengthOf(blockBytes, RECORD_BYTES, events));
    }

    private VisitBlock(long seed, int length) {
        super(length, spanOf(length, 1_000));
        Draw key = new Draw(seed, 0);
        keys = new long[length];
        times = times(length, span);
        for (int i = 0; i < length; i++) {
            keys[i] = key.below(i, ACTIVE_KEYS);
        }
    }

    @Override
    public Visit create() {
        return new Visit();
    }

    @Override
    public void fill(Visit record, int index, long time, long seq) {
        long key = keys[index] + time / MS_PER_KEY % KEYS;
        record.key = key < KEYS ? key : key - KEYS;
        record.eventTime = times[index] + time;
    }

    @Override
    public long eventTime(Visit record) {
        return record.eventTime;
    }
}
