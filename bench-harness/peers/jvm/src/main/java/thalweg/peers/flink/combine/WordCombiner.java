package thalweg.peers.flink.combine;

import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import thalweg.peers.flink.type.Word;
import thalweg.peers.input.Line;

/**
 * Splits lines and counts their words in bundles, so that a word crosses the network once a bundle and not each time that it occurs. Flink SQL calls it
 * a mini-batch with two-phase aggregation. What was counted goes on when the bundle is full, before a checkpoint's barrier, and at the end.
 */
public final class WordCombiner extends AbstractStreamOperator<Word> implements OneInputStreamOperator<Line, Word> {
    /** Words of a bundle: about a tenth of a second. */
    private static final long BUNDLE_WORDS = 1 << 20;

    private transient Bundle bundle;
    private transient StreamRecord<Word> row;

    @Override
    public void open() throws Exception {
        super.open();
        bundle = new Bundle();
        // One for all: the exchange serialises it at once.
        row = new StreamRecord<>(new Word());
    }

    @Override
    public void processElement(StreamRecord<Line> record) {
        bundle.addLine(record.getValue().utf8);
        if (bundle.words() >= BUNDLE_WORDS) {
            drain();
        }
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        drain();
        super.prepareSnapshotPreBarrier(checkpoint);
    }

    @Override
    public void finish() throws Exception {
        drain();
        super.finish();
    }

    private void drain() {
        bundle.drain((text, count) -> {
            row.getValue().text = text;
            row.getValue().count = count;
            output.collect(row);
        });
    }
}
