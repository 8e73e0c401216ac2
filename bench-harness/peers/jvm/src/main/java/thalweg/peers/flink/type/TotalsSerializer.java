package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** 40 bytes. */
public final class TotalsSerializer extends FlatSerializer<Totals> {
    static final TotalsSerializer INSTANCE = new TotalsSerializer();

    private TotalsSerializer() {
        super(40);
    }

    @Override
    public Totals createInstance() {
        return new Totals();
    }

    @Override
    public Totals copy(Totals from, Totals reuse) {
        reuse.key = from.key;
        reuse.start = from.start;
        reuse.end = from.end;
        reuse.sum = from.sum;
        reuse.count = from.count;
        return reuse;
    }

    @Override
    public void serialize(Totals record, DataOutputView target) throws IOException {
        target.writeLong(record.key);
        target.writeLong(record.start);
        target.writeLong(record.end);
        target.writeLong(record.sum);
        target.writeLong(record.count);
    }

    @Override
    public Totals deserialize(Totals reuse, DataInputView source) throws IOException {
        reuse.key = source.readLong();
        reuse.start = source.readLong();
        reuse.end = source.readLong();
        reuse.sum = source.readLong();
        reuse.count = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Totals> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Totals> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
