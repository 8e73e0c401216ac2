package thalweg.peers.flink.source;

import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import java.nio.ByteBuffer;

/** What one reader reads: every {@code parts}-th stretch of the sequence, from a position on. */
public record Share(int part, int parts, long from) implements SourceSplit {
    @Override
    public String splitId() {
        return part + "/" + parts;
    }

    static final class Bytes implements SimpleVersionedSerializer<Share> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Share share) {
            return ByteBuffer.allocate(16).putInt(share.part).putInt(share.parts).putLong(share.from).array();
        }

        @Override
        public Share deserialize(int version, byte[] bytes) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Share(buffer.getInt(), buffer.getInt(), buffer.getLong());
        }
    }
}
