package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Event;

/** 32 bytes. */
public final class EventSerializer extends FlatSerializer<Event> {
    static final EventSerializer INSTANCE = new EventSerializer();

    private EventSerializer() {
        super(32);
    }

    @Override
    public Event createInstance() {
        return new Event();
    }

    @Override
    public Event copy(Event from, Event reuse) {
        reuse.key = from.key;
        reuse.value = from.value;
        reuse.eventTime = from.eventTime;
        reuse.seq = from.seq;
        return reuse;
    }

    @Override
    public void serialize(Event record, DataOutputView target) throws IOException {
        target.writeLong(record.key);
        target.writeLong(record.value);
        target.writeLong(record.eventTime);
        target.writeLong(record.seq);
    }

    @Override
    public Event deserialize(Event reuse, DataInputView source) throws IOException {
        reuse.key = source.readLong();
        reuse.value = source.readLong();
        reuse.eventTime = source.readLong();
        reuse.seq = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Event> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Event> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
