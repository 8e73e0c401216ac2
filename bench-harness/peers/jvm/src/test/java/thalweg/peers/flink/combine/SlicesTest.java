package thalweg.peers.flink.combine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SlicesTest {
    private static final long SLICE_MS = 100;

    private record Place(long start, long key) {}

    private final Map<Place, List<Long>> drained = new HashMap<>();
    private long latest = Long.MIN_VALUE;

    private KeyTable.Rows rows(long start) {
        assertTrue(start > latest, "the oldest first");
        latest = start;
        return (key, sum, count) -> drained.put(new Place(start, key), List.of(sum, count));
    }

    /** Keys of all sizes, among them 0, in times before and after 0 that go back and forth; drained now and then, as by watermarks. */
    @Test
    void slicesHoldWhatAMapHolds() {
        Random random = new Random(7);
        for (int keys : new int[] {1, 10, 5_000}) {
            Slices slices = new Slices(SLICE_MS);
            Map<Place, List<Long>> expected = new HashMap<>();
            drained.clear();
            latest = Long.MIN_VALUE;
            for (int i = 0; i < 50_000; i++) {
                long time = i / 10 - 2_000 + random.nextInt(250);
                long key = random.nextInt(keys) * 0x9e3779b97f4a7c15L;
                long value = random.nextInt(2_001) - 1_000;
                slices.add(time, key, value);
                expected.merge(new Place(Math.floorDiv(time, SLICE_MS) * SLICE_MS, key), List.of(value, 1L),
                        (a, b) -> List.of(a.get(0) + b.get(0), a.get(1) + b.get(1)));
                if (i % 777 == 0) {
                    // No later record is at or before it.
                    slices.drain(i / 10 - 2_001, this::rows);
                }
            }
            assertTrue(drained.size() < expected.size(), "the last slices are open");
            slices.drainAll(this::rows);
            assertEquals(expected, drained);
        }
    }

    @Test
    void aSliceIsHandedOutWhenTheWatermarkReachesItsLastMoment() {
        Slices slices = new Slices(SLICE_MS);
        slices.add(0, 1, 5);
        slices.drain(Long.MIN_VALUE, this::rows);
        slices.drain(SLICE_MS - 2, this::rows);
        assertEquals(Map.of(), drained);
        slices.drain(SLICE_MS - 1, this::rows);
        assertEquals(Map.of(new Place(0, 1), List.of(5L, 1L)), drained);
        // A slice that is begun again begins at nothing.
        slices.add(SLICE_MS, 1, 7);
        slices.drainAll(this::rows);
        assertEquals(List.of(7L, 1L), drained.get(new Place(SLICE_MS, 1)));
    }
}
