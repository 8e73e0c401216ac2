package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Number;

/** 8 bytes. */
public final class NumberSerializer extends FlatSerializer<Number> {
    static final NumberSerializer INSTANCE = new NumberSerializer();

    private NumberSerializer() {
        super(8);
    }

    @Override
    public Number createInstance() {
        return new Number();
    }

    @Override
    public Number copy(Number from, Number reuse) {
        reuse.value = from.value;
        return reuse;
    }

    @Override
    public void serialize(Number record, DataOutputView target) throws IOException {
        target.writeLong(record.value);
    }

    @Override
    public Number deserialize(Number reuse, DataInputView source) throws IOException {
        reuse.value = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Number> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Number> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
