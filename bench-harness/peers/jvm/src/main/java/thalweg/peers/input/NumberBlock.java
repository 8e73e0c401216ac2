package thalweg.peers.input;

/** The records of {@code hop}: a number is its own sequence, and moves on by the block's length. */
public final class NumberBlock extends Block<Number> {
    private final long[] values;

    public NumberBlock(long seed, long events, long blockBytes) {
        this(seed, lengthOf(blockBytes, Long.BYTES, events));
    }

    private NumberBlock(long seed, int length) {
        super(length, spanOf(length, 1_000));
        Draw value = new Draw(seed, 0);
        values = new long[length];
        for (int i = 0; i < length; i++) {
            values[i] = value.bits(i);
        }
    }

    @Override
    public Number create() {
        return new Number();
    }

    @Override
    public void fill(Number record, int index, long time, long seq) {
        record.value = values[index] + seq;
    }

    /** None of its own. */
    @Override
    public long eventTime(Number record) {
        return 0;
    }
}
