package thalweg.peers.flink.combine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SessionPartsTest {
    private static final long GAP_MS = 100;

    private record Part(long first, long last, long count) {}

    /** Parts that are put together as a session window does it are the sessions of the records themselves. */
    @Test
    void partsAddUpToSessions() {
        Random random = new Random(7);
        for (int keys : new int[] {1, 20, 4_000}) {
            Map<Long, List<Part>> parts = new HashMap<>();
            Map<Long, List<Part>> records = new HashMap<>();
            long[] handedOut = new long[1];
            SessionParts table = new SessionParts(GAP_MS, (key, first, last, count) -> {
                handedOut[0]++;
                parts.computeIfAbsent(key, unused -> new ArrayList<>()).add(new Part(first, last, count));
            });
            for (int i = 0; i < 50_000; i++) {
                long key = random.nextInt(keys) * 0x9e3779b97f4a7c15L;
                // A key has a record every 60 ms on average.
                long time = i * 60L / keys - 2_000 + random.nextInt(250);
                table.add(key, time);
                records.computeIfAbsent(key, unused -> new ArrayList<>()).add(new Part(time, time, 1));
                if (random.nextInt(10_000) == 0) {
                    table.drain();
                }
            }
            table.drain();
            assertTrue(handedOut[0] < 50_000, "nothing was put together");
            assertEquals(records.keySet(), parts.keySet());
            records.forEach((key, all) -> assertEquals(sessions(all), sessions(parts.get(key))));
            long before = handedOut[0];
            table.drain();
            assertEquals(before, handedOut[0], "it is empty then");
        }
    }

    private static List<Part> sessions(List<Part> parts) {
        TreeMap<Long, Part> byTime = new TreeMap<>();
        for (Part part : parts) {
            byTime.merge(part.first, part, (a, b) -> new Part(a.first, Math.max(a.last, b.last), a.count + b.count));
        }
        List<Part> sessions = new ArrayList<>();
        for (Part part : byTime.values()) {
            Part before = sessions.isEmpty() ? null : sessions.get(sessions.size() - 1);
            if (before != null && part.first <= before.last + GAP_MS) {
                sessions.set(sessions.size() - 1, new Part(before.first, Math.max(before.last, part.last), before.count + part.count));
            } else {
                sessions.add(part);
            }
        }
        return sessions;
    }
}
