package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Auction;

/** 40 bytes. */
public final class AuctionSerializer extends FlatSerializer<Auction> {
    static final AuctionSerializer INSTANCE = new AuctionSerializer();

    private AuctionSerializer() {
        super(40);
    }

    @Override
    public Auction createInstance() {
        return new Auction();
    }

    @Override
    public Auction copy(Auction from, Auction reuse) {
        reuse.id = from.id;
        reuse.seller = from.seller;
        reuse.category = from.category;
        reuse.dateTime = from.dateTime;
        reuse.expires = from.expires;
        return reuse;
    }

    @Override
    public void serialize(Auction record, DataOutputView target) throws IOException {
        target.writeLong(record.id);
        target.writeLong(record.seller);
        target.writeLong(record.category);
        target.writeLong(record.dateTime);
        target.writeLong(record.expires);
    }

    @Override
    public Auction deserialize(Auction reuse, DataInputView source) throws IOException {
        reuse.id = source.readLong();
        reuse.seller = source.readLong();
        reuse.category = source.readLong();
        reuse.dateTime = source.readLong();
        reuse.expires = source.readLong();
        return reuse;
    }

    @Override
    public TypeSerializerSnapshot<Auction> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Auction> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
