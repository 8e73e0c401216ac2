package thalweg.peers.input;

/** The records of {@code hop64}. */
public final class WideBlock extends Block<Wide> {
    private static final int RECORD_BYTES = 64;

    private final long[] keys;
    private final long[] values;
    private final long[] times;
    private final long[] payloads;

    public WideBlock(long seed, long events, long blockBytes) {
        this(seed, lengthOf(blockBytes, RECORD_BYTES, events));
    }

    private WideBlock(long seed, int length) {
        super(length, spanOf(length, 1_000));
        Draw key = new Draw(seed, 0);
        Draw value = new Draw(seed, 1);
        Draw payload = new Draw(seed, 2);
        keys = new long[length];
        values = new long[length];
        payloads = new long[4 * length];
        times = times(length, span);
        for (int i = 0; i < length; i++) {
            keys[i] = key.bits(i);
            values[i] = value.bits(i);
        }
        for (int i = 0; i < payloads.length; i++) {
            payloads[i] = payload.bits(i);
        }
    }

    @Override
    public Wide create() {
        return new Wide();
    }

    @Override
    public void fill(Wide record, int index, long time, long seq) {
        record.key = keys[index];
        record.value = values[index];
        record.eventTime = times[index] + time;
        record.seq = seq + index;
        record.payload0 = payloads[4 * index];
        record.payload1 = payloads[4 * index + 1];
        record.payload2 = payloads[4 * index + 2];
        record.payload3 = payloads[4 * index + 3];
    }

    @Override
    public long eventTime(Wide record) {
        return record.eventTime;
    }
}
