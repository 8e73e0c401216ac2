package thalweg.peers.flink.source;

import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import thalweg.peers.flink.Settings;

/** A source (FLIP-27) that replays a block of the current run. */
public final class ReplaySource<T> implements Source<T, Share, Void> {
    private final String table;
    private final int pollRecords;
    private final boolean objectReuse;
    private final boolean isPaced;

    public ReplaySource(String table, Settings settings, boolean isPaced) {
        this.table = table;
        this.pollRecords = settings.pollRecords();
        this.objectReuse = settings.objectReuse();
        this.isPaced = isPaced;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.BOUNDED;
    }

    @Override
    public SourceReader<T, Share> createReader(SourceReaderContext context) {
        return isPaced ? new PacedReader<>(table) : new ReplayReader<>(table, pollRecords, objectReuse);
    }

    @Override
    public SplitEnumerator<Share, Void> createEnumerator(SplitEnumeratorContext<Share> context) {
        return new Shares(context, false);
    }

    @Override
    public SplitEnumerator<Share, Void> restoreEnumerator(SplitEnumeratorContext<Share> context, Void nothing) {
        return new Shares(context, true);
    }

    @Override
    public SimpleVersionedSerializer<Share> getSplitSerializer() {
        return new Share.Bytes();
    }

    @Override
    public SimpleVersionedSerializer<Void> getEnumeratorCheckpointSerializer() {
        return new Shares.Bytes();
    }
}
