package thalweg.peers.flink.table;

import org.apache.flink.table.data.RowData;
import thalweg.peers.input.Block;
import thalweg.peers.input.Event;
import thalweg.peers.input.EventBlock;

/** Events as the table {@code events}: key, value, event_time, seq. */
public final class EventRows extends Block<RowData> {
    private final EventBlock events;

    public EventRows(EventBlock events) {
        super(events.length, events.span);
        this.events = events;
    }

    @Override
    public RowData create() {
        return new EventRow();
    }

    @Override
    public void fill(RowData record, int index, long time, long seq) {
        events.fill(((EventRow) record).event, index, time, seq);
    }

    @Override
    public long eventTime(RowData record) {
        return ((EventRow) record).event.eventTime;
    }

    private static final class EventRow extends InputRow {
        private final Event event = new Event();

        EventRow() {
            super(4);
        }

        @Override
        public long getLong(int column) {
            return switch (column) {
                case 0 -> event.key;
                case 1 -> event.value;
                case 2 -> event.eventTime;
                default -> event.seq;
            };
        }
    }
}
