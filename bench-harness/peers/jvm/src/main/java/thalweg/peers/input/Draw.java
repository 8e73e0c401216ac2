package thalweg.peers.input;

/** Random draws by counter: draw {@code i} is a function of seed, purpose and {@code i}, the same as in the harness. */
public final class Draw {
    private final long base;

    /** Draws for a purpose, a number that tells the columns of an input apart. */
    public Draw(long seed, long purpose) {
        base = Mix.mix(Mix.mix(seed) ^ purpose);
    }

    /** 64 random bits. */
    public long bits(long index) {
        return Mix.mix(base + Mix.mix(index));
    }

    /** In {@code 0..bound}, of which {@code bound} is positive. */
    public long below(long index, long bound) {
        long bits = bits(index);
        return Math.multiplyHigh(bits, bound) + (bits >> 63 & bound);
    }

    /** In {@code 0.0..1.0}. */
    public double unit(long index) {
        return (bits(index) >>> 11) * 0x1p-53;
    }
}
