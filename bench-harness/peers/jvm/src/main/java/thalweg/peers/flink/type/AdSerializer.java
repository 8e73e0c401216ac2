package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Ad;

/** 64 bytes. */
public final class AdSerializer extends FlatSerializer<Ad> {
    static final AdSerializer INSTANCE = new AdSerializer();

    private AdSerializer() {
        super(64);
    }

    @Override
    public Ad createInstance() {
        return new Ad();
    }

    @Override
    public Ad copy(Ad from, Ad reuse) {
        reuse.userHigh = from.userHigh;
        reuse.userLow = from.userLow;
        reuse.pageHigh = from.pageHigh;
        reuse.pageLow = from.pageLow;
        reuse.ad = from.ad;
        reuse.adType = from.adType;
        reuse.eventType = from.eventType;
        reuse.ip = from.ip;
        reuse.eventTime = from.eventTime;
        reuse.seq = from.seq;
        return reuse;
    }

    @Override
    public void serialize(Ad record, DataOutputView target) throws IOException {
        target.writeLong(record.userHigh);
        target.writeLong(record.userLow);
        target.writeLong(record.pageHigh);
        target.writeLong(record.pageLow);
        target.writeInt(record.ad);
        target.writeInt(record.adType);
        target.writeInt(record.eventType);
        target.writeInt(record.ip);
        target.writeLong(record.eventTime);
        target.writeLong(record.seq);
    }

    @Override
    public Ad deserialize(Ad reuse, DataInputView source) throws IOException {
        reuse.userHigh = source.readLong();
        reuse.userLow = source.readLong();
        reuse.pageHigh = source.readLong();
        reuse.pageLow = source.readLong();
        reuse.ad = source.readInt();
        reuse.adType = source.readInt();
        reuse.eventType = source.readInt();
        reuse.ip = source.readInt();
        reuse.eventTime = source.readLong();
        reuse.seq = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Ad> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Ad> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
