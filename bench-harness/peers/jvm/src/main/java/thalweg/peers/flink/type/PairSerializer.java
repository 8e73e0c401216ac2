package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** 24 bytes. */
public final class PairSerializer extends FlatSerializer<Pair> {
    static final PairSerializer INSTANCE = new PairSerializer();

    private PairSerializer() {
        super(24);
    }

    @Override
    public Pair createInstance() {
        return new Pair();
    }

    @Override
    public Pair copy(Pair from, Pair reuse) {
        reuse.key = from.key;
        reuse.left = from.left;
        reuse.right = from.right;
        return reuse;
    }

    @Override
    public void serialize(Pair record, DataOutputView target) throws IOException {
        target.writeLong(record.key);
        target.writeLong(record.left);
        target.writeLong(record.right);
    }

    @Override
    public Pair deserialize(Pair reuse, DataInputView source) throws IOException {
        reuse.key = source.readLong();
        reuse.left = source.readLong();
        reuse.right = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Pair> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Pair> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
