package thalweg.peers.flink.combine;

import thalweg.peers.input.Mix;

/**
 * Sum and count by key: a hash table of whole numbers with linear probing, at most two thirds full. A slot's numbers are neighbours in memory.
 *
 * <p>A count of 0 says that a slot is free.
 */
final class KeyTable {
    /** Numbers of a slot: key, sum, count, and one that makes it half a cache line. */
    private static final int WIDTH = 4;
    private static final int SUM = 1;
    private static final int COUNT = 2;
    private static final int FIRST_SLOTS = 1 << 10;

    /** Takes a row of the table. */
    interface Rows {
        void take(long key, long sum, long count);
    }

    private long[] cells = new long[FIRST_SLOTS * WIDTH];
    private int size;

    void add(long key, long sum, long count) {
        long[] table = cells;
        int mask = table.length - 1 & -WIDTH;
        int at = (int) (Mix.mix(key) * WIDTH) & mask;
        while (table[at + COUNT] != 0) {
            if (table[at] == key) {
                table[at + SUM] += sum;
                table[at + COUNT] += count;
                return;
            }
            at = at + WIDTH & mask;
        }
        table[at] = key;
        table[at + SUM] = sum;
        table[at + COUNT] = count;
        if (++size * 3 * WIDTH > table.length * 2) {
            grow();
        }
    }

    private void grow() {
        long[] old = cells;
        cells = new long[old.length * 2];
        size = 0;
        for (int at = 0; at < old.length; at += WIDTH) {
            if (old[at + COUNT] != 0) {
                add(old[at], old[at + SUM], old[at + COUNT]);
            }
        }
    }

    /** Hands out all rows, and is empty then. */
    void drain(Rows rows) {
        for (int at = 0; at < cells.length; at += WIDTH) {
            if (cells[at + COUNT] != 0) {
                rows.take(cells[at], cells[at + SUM], cells[at + COUNT]);
                cells[at + COUNT] = 0;
            }
        }
        size = 0;
    }
}
