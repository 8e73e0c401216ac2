package thalweg.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import thalweg.peers.input.Cursor;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;

class CursorTest {
    private static final long EVENTS = 10_777;

    @Test
    void partsCoverTheSequenceOnceAndInOrder() {
        for (long blockBytes : new long[] {32, 1_000, 100_000}) {
            EventBlock block = EventBlock.tumbling(7, EVENTS, blockBytes, false);
            for (int parts = 1; parts <= 3; parts++) {
                int[] seen = new int[(int) EVENTS];
                for (int part = 0; part < parts; part++) {
                    Cursor<Event> cursor = block.cursor(EVENTS, part, parts, 0);
                    Event event = block.create();
                    long before = -1;
                    long time = Long.MIN_VALUE;
                    long count = 0;
                    for (; cursor.next(event); count++) {
                        assertTrue(event.seq > before && event.eventTime >= time, "in order");
                        before = event.seq;
                        time = event.eventTime;
                        seen[(int) event.seq]++;
                    }
                    assertEquals(Cursor.countOf(EVENTS, part, parts), count);
                }
                for (int times : seen) {
                    assertEquals(1, times);
                }
            }
        }
    }

    @Test
    void aCursorGoesOnWhereItsPositionWas() {
        EventBlock block = EventBlock.tumbling(7, EVENTS, 1_000, false);
        Cursor<Event> whole = block.cursor(EVENTS, 1, 2, 0);
        Event event = block.create();
        Event again = block.create();
        for (int i = 0; i < 1_500; i++) {
            whole.next(event);
        }
        Cursor<Event> rest = block.cursor(EVENTS, 1, 2, whole.position());
        while (whole.next(event)) {
            assertTrue(rest.next(again));
            assertEquals(event.seq, again.seq);
        }
        assertTrue(!rest.next(again));
    }
}
