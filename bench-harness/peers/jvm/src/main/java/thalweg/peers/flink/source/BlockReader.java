package thalweg.peers.flink.source;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;
import thalweg.peers.flink.Stage;
import thalweg.peers.input.Block;
import thalweg.peers.input.Cursor;

/** A reader of one share of a block. It waits for the gate of its run. */
abstract class BlockReader<T> implements SourceReader<T, Share> {
    final Stage stage = Stage.current();
    final Block<T> block;
    Share share;
    Cursor<T> cursor;
    /** Among all readers of the run. */
    int number;
    private final long count;
    private boolean hasBegun;

    @SuppressWarnings("unchecked")
    BlockReader(String table) {
        block = (Block<T>) stage.input.block(table);
        count = stage.input.count(table, stage.events);
    }

    /** Emits what there is to emit now. */
    abstract InputStatus emit(ReaderOutput<T> output, long nanoTime);

    @Override
    public void start() {}

    @Override
    public final InputStatus pollNext(ReaderOutput<T> output) {
        if (cursor == null || !stage.gate().isDone()) {
            return InputStatus.NOTHING_AVAILABLE;
        }
        long now = System.nanoTime();
        if (!hasBegun) {
            hasBegun = true;
            stage.begin(stage.pace == null ? now : stage.pace.startNanoTime());
        }
        return emit(output, now);
    }

    @Override
    public void addSplits(List<Share> shares) {
        share = shares.get(0);
        cursor = block.cursor(count, share.part(), share.parts(), share.from());
        number = stage.reader(Cursor.countOf(count, share.part(), share.parts()));
        stage.ready();
    }

    @Override
    public void notifyNoMoreSplits() {}

    /** The share comes long before the gate opens. */
    @Override
    public CompletableFuture<Void> isAvailable() {
        return stage.gate();
    }

    @Override
    public List<Share> snapshotState(long checkpoint) {
        return cursor == null ? List.of() : List.of(new Share(share.part(), share.parts(), cursor.position()));
    }

    @Override
    public void close() {}
}
