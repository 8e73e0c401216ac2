package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Visit;

/** 16 bytes. */
public final class VisitSerializer extends FlatSerializer<Visit> {
    static final VisitSerializer INSTANCE = new VisitSerializer();

    private VisitSerializer() {
        super(16);
    }

    @Override
    public Visit createInstance() {
        return new Visit();
    }

    @Override
    public Visit copy(Visit from, Visit reuse) {
        reuse.key = from.key;
        reuse.eventTime = from.eventTime;
        return reuse;
    }

    @Override
    public void serialize(Visit record, DataOutputView target) throws IOException {
        target.writeLong(record.key);
        target.writeLong(record.eventTime);
    }

    @Override
    public Visit deserialize(Visit reuse, DataInputView source) throws IOException {
        reuse.key = source.readLong();
        reuse.eventTime = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Visit> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Visit> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
