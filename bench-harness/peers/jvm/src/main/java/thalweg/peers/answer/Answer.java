package thalweg.peers.answer;

import thalweg.peers.input.Mix;

/**
 * Result rows, reduced to their number and a checksum that knows no order: equal for equal multisets of rows. The formula is in {@code PROTOCOL.md}.
 *
 * <p>Not for several threads: each has its own, and they are merged.
 */
public final class Answer {
    /** Odd numbers, one for each place of a row. */
    private static final long[] WEIGHTS = weights(32);

    private long rows;
    private long checksum;

    private static long[] weights(int places) {
        long[] weights = new long[places];
        for (int place = 0; place < places; place++) {
            weights[place] = Mix.mix(place + 1) | 1;
        }
        return weights;
    }

    public void add(long a, long b) {
        addReduced(Mix.mix(2 + a * WEIGHTS[0] + b * WEIGHTS[1]), 1);
    }

    public void add(long a, long b, long c) {
        addReduced(Mix.mix(3 + a * WEIGHTS[0] + b * WEIGHTS[1] + c * WEIGHTS[2]), 1);
    }

    public void add(long a, long b, long c, long d) {
        addReduced(Mix.mix(4 + a * WEIGHTS[0] + b * WEIGHTS[1] + c * WEIGHTS[2] + d * WEIGHTS[3]), 1);
    }

    public void add(long a, long b, long c, long d, long e) {
        addReduced(Mix.mix(5 + a * WEIGHTS[0] + b * WEIGHTS[1] + c * WEIGHTS[2] + d * WEIGHTS[3] + e * WEIGHTS[4]), 1);
    }

    public void add(long a, long b, long c, long d, long e, long f, long g) {
        long head = a * WEIGHTS[0] + b * WEIGHTS[1] + c * WEIGHTS[2] + d * WEIGHTS[3];
        addReduced(Mix.mix(7 + head + e * WEIGHTS[4] + f * WEIGHTS[5] + g * WEIGHTS[6]), 1);
    }

    /** Adds a row of any number of columns. */
    public void add(long[] columns) {
        addReduced(row(columns), 1);
    }

    /** Takes a row back. */
    public void remove(long[] columns) {
        addReduced(-row(columns), -1);
    }

    /** Adds rows that are reduced already. */
    public void addReduced(long rowsChecksum, long count) {
        checksum += rowsChecksum;
        rows += count;
    }

    public void merge(Answer other) {
        addReduced(other.checksum, other.rows);
    }

    /** A row's share of the checksum. */
    public static long row(long... columns) {
        long sum = columns.length;
        for (int place = 0; place < columns.length; place++) {
            sum += columns[place] * WEIGHTS[place];
        }
        return Mix.mix(sum);
    }

    public long rows() {
        return rows;
    }

    public long checksum() {
        return checksum;
    }
}
