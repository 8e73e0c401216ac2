package thalweg.peers.flink.source;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Hands each reader its share as it registers. Its checkpointed state is nothing: a share is handed out before the first record, and after that
 * belongs to its reader's state.
 */
final class Shares implements SplitEnumerator<Share, Void> {
    private final SplitEnumeratorContext<Share> context;
    private final boolean isRestored;
    private final Deque<Share> returned = new ArrayDeque<>();

    Shares(SplitEnumeratorContext<Share> context, boolean isRestored) {
        this.context = context;
        this.isRestored = isRestored;
    }

    @Override
    public void start() {}

    @Override
    public void addReader(int subtask) {
        if (!returned.isEmpty()) {
            context.assignSplit(returned.poll(), subtask);
        } else if (!isRestored) {
            context.assignSplit(new Share(subtask, context.currentParallelism(), 0), subtask);
        }
        context.signalNoMoreSplits(subtask);
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<Share> shares, int subtask) {
        returned.addAll(shares);
    }

    @Override
    public Void snapshotState(long checkpoint) {
        return null;
    }

    @Override
    public void close() {}

    static final class Bytes implements SimpleVersionedSerializer<Void> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Void nothing) {
            return new byte[0];
        }

        @Override
        public Void deserialize(int version, byte[] bytes) {
            return null;
        }
    }
}
