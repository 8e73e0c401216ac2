package thalweg.peers.flink.combine;

import thalweg.peers.input.Mix;

/**
 * A part of a session by key: a hash table of whole numbers with linear probing, at most two thirds full, as {@link KeyTable}.
 *
 * <p>A count of 0 says that a slot is free.
 */
public final class SessionParts {
    /** Numbers of a slot: key, first time, last time, count. */
    private static final int WIDTH = 4;
    private static final int FIRST = 1;
    private static final int LAST = 2;
    private static final int COUNT = 3;
    private static final int FIRST_SLOTS = 1 << 10;

    /** Takes a part. */
    interface Rows {
        void take(long key, long first, long last, long count);
    }

    private final long gapMs;
    private final Rows rows;
    private long[] cells = new long[FIRST_SLOTS * WIDTH];
    private int size;

    SessionParts(long gapMs, Rows rows) {
        this.gapMs = gapMs;
        this.rows = rows;
    }

    /** Adds a record. If it is of another session than the ones before it, these go on. */
    public void add(long key, long time) {
        long[] table = cells;
        int at = slot(table, key);
        if (table[at + COUNT] == 0) {
            set(table, at, key, time, time, 1);
            if (++size * 3 * WIDTH > table.length * 2) {
                grow();
            }
            return;
        }
        long first = table[at + FIRST];
        long last = table[at + LAST];
        if (time < first - gapMs || time > last + gapMs) {
            rows.take(key, first, last, table[at + COUNT]);
            set(table, at, key, time, time, 1);
        } else {
            table[at + FIRST] = Math.min(first, time);
            table[at + LAST] = Math.max(last, time);
            table[at + COUNT]++;
        }
    }

    /** Where a key is, or is to be. */
    private static int slot(long[] table, long key) {
        int mask = table.length - 1 & -WIDTH;
        int at = (int) (Mix.mix(key) * WIDTH) & mask;
        while (table[at + COUNT] != 0 && table[at] != key) {
            at = at + WIDTH & mask;
        }
        return at;
    }

    private static void set(long[] table, int at, long key, long first, long last, long count) {
        table[at] = key;
        table[at + FIRST] = first;
        table[at + LAST] = last;
        table[at + COUNT] = count;
    }

    private void grow() {
        long[] old = cells;
        cells = new long[old.length * 2];
        for (int at = 0; at < old.length; at += WIDTH) {
            if (old[at + COUNT] != 0) {
                System.arraycopy(old, at, cells, slot(cells, old[at]), WIDTH);
            }
        }
    }

    /** Hands out all parts, and is empty then. */
    void drain() {
        for (int at = 0; at < cells.length; at += WIDTH) {
            if (cells[at + COUNT] != 0) {
                rows.take(cells[at], cells[at + FIRST], cells[at + LAST], cells[at + COUNT]);
                cells[at + COUNT] = 0;
            }
        }
        size = 0;
    }
}
