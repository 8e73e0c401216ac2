package thalweg.peers.answer;

import thalweg.peers.input.Mix;

/** The number that stands for a decimal in a row: it is of 128 bits, of which the upper half is that of its sign. */
public final class DecimalColumn {
    private DecimalColumn() {}

    public static long ofThousandths(long thousandths) {
        return thousandths * (Mix.mix(1) | 1) + Mix.mix(2) + (thousandths >> 63);
    }
}
