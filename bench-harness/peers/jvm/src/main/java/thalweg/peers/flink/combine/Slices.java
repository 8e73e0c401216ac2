package thalweg.peers.flink.combine;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/** Sums and counts by key, in slices of event time that follow one another. */
public final class Slices {
    private final long sliceMs;
    private final TreeMap<Long, KeyTable> open = new TreeMap<>();
    private final ArrayDeque<KeyTable> spare = new ArrayDeque<>();

    /** The slice of the last record, and the one before it: records out of order go back and forth between two. */
    private KeyTable current;
    private long currentStart;
    private KeyTable other;
    private long otherStart;

    Slices(long sliceMs) {
        this.sliceMs = sliceMs;
    }

    /** Adds a record. */
    public void add(long eventTime, long key, long value) {
        // Not negative, and less than the slice: true of few times but the slice's own, before there is one too.
        if (current == null || Long.compareUnsigned(eventTime - currentStart, sliceMs) >= 0) {
            turnTo(Math.floorDiv(eventTime, sliceMs) * sliceMs);
        }
        current.add(key, value, 1);
    }

    private void turnTo(long start) {
        KeyTable left = current;
        long leftStart = currentStart;
        current = other != null && otherStart == start ? other : open.get(start);
        other = left;
        otherStart = leftStart;
        if (current == null) {
            current = spare.isEmpty() ? new KeyTable() : spare.pop();
            open.put(start, current);
        }
        currentStart = start;
    }

    /** Takes the rows of a slice. */
    interface Rows {
        KeyTable.Rows of(long start);
    }

    /** Hands out all slices that hold no time after {@code time}, the oldest first. */
    void drain(long time, Rows rows) {
        while (!open.isEmpty() && open.firstKey() + sliceMs - 1 <= time) {
            Map.Entry<Long, KeyTable> slice = open.pollFirstEntry();
            slice.getValue().drain(rows.of(slice.getKey()));
            if (slice.getValue() == current) {
                current = null;
            }
            if (slice.getValue() == other) {
                other = null;
            }
            spare.push(slice.getValue());
        }
    }

    /** Hands out all that there is. */
    void drainAll(Rows rows) {
        drain(Long.MAX_VALUE, rows);
    }
}
