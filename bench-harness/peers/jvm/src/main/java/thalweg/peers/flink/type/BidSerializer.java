package thalweg.peers.flink.type;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import thalweg.peers.input.Bid;

/** Four numbers and three texts. */
public final class BidSerializer extends TextSerializer<Bid> {
    static final BidSerializer INSTANCE = new BidSerializer();

    private BidSerializer() {}

    @Override
    public Bid createInstance() {
        return new Bid();
    }

    @Override
    public Bid copy(Bid from, Bid reuse) {
        reuse.auction = from.auction;
        reuse.bidder = from.bidder;
        reuse.price = from.price;
        reuse.dateTime = from.dateTime;
        reuse.channel = from.channel;
        reuse.url = from.url;
        reuse.extra = from.extra;
        return reuse;
    }

    @Override
    public void serialize(Bid record, DataOutputView target) throws IOException {
        target.writeLong(record.auction);
        target.writeLong(record.bidder);
        target.writeLong(record.price);
        target.writeLong(record.dateTime);
        write(record.channel, target);
        write(record.url, target);
        write(record.extra, target);
    }

    @Override
    public Bid deserialize(Bid reuse, DataInputView source) throws IOException {
        reuse.auction = source.readLong();
        reuse.bidder = source.readLong();
        reuse.price = source.readLong();
        reuse.dateTime = source.readLong();
        reuse.channel = read(source);
        reuse.url = read(source);
        reuse.extra = read(source);
        return reuse;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        target.write(source, 32);
        copyText(source, target);
        copyText(source, target);
        copyText(source, target);
    }

    @Override
    public TypeSerializerSnapshot<Bid> snapshotConfiguration() {
        return new Snapshot();
    }

    /** For checkpoints: Flink makes it by its constructor. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Bid> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
