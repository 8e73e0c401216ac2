package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Wide;

/** 64 bytes. */
public final class WideSerializer extends FlatSerializer<Wide> {
    static final WideSerializer INSTANCE = new WideSerializer();

    private WideSerializer() {
        super(64);
    }

    @Override
    public Wide createInstance() {
        return new Wide();
    }

    @Override
    public Wide copy(Wide from, Wide reuse) {
        reuse.key = from.key;
        reuse.value = from.value;
        reuse.eventTime = from.eventTime;
        reuse.seq = from.seq;
        reuse.payload0 = from.payload0;
        reuse.payload1 = from.payload1;
        reuse.payload2 = from.payload2;
        reuse.payload3 = from.payload3;
        return reuse;
    }

    @Override
    public void serialize(Wide record, DataOutputView target) throws IOException {
        target.writeLong(record.key);
        target.writeLong(record.value);
        target.writeLong(record.eventTime);
        target.writeLong(record.seq);
        target.writeLong(record.payload0);
        target.writeLong(record.payload1);
        target.writeLong(record.payload2);
        target.writeLong(record.payload3);
    }

    @Override
    public Wide deserialize(Wide reuse, DataInputView source) throws IOException {
        reuse.key = source.readLong();
        reuse.value = source.readLong();
        reuse.eventTime = source.readLong();
        reuse.seq = source.readLong();
        reuse.payload0 = source.readLong();
        reuse.payload1 = source.readLong();
        reuse.payload2 = source.readLong();
        reuse.payload3 = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Wide> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Wide> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
