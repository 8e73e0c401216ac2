package thalweg.peers.flink.sink;

import java.io.Serializable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import thalweg.peers.flink.Stage;
import thalweg.peers.load.Latencies;

/** Adds up a number of each record: one row (sum, count). In an open loop it also notes when each record arrived. */
public final class TotalSink<T> implements Sink<T> {
    /** The number of a record. */
    public interface Digest<T> extends Serializable {
        long of(T record);
    }

    private final Digest<T> digest;

    public TotalSink(Digest<T> digest) {
        this.digest = digest;
    }

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) {
        Stage stage = Stage.current();
        stage.ready();
        return new Writer<>(stage, digest);
    }

    private static final class Writer<T> implements SinkWriter<T> {
        private final Stage stage;
        private final Digest<T> digest;
        private final Latencies latencies;
        private long sum;
        private long count;

        Writer(Stage stage, Digest<T> digest) {
            this.stage = stage;
            this.digest = digest;
            this.latencies = stage.pace == null ? null : new Latencies(stage.pace);
        }

        @Override
        public void write(T record, Context context) {
            sum += digest.of(record);
            count++;
            if (latencies != null) {
                latencies.leave();
            }
        }

        @Override
        public void flush(boolean isEndOfInput) {
            if (isEndOfInput) {
                stage.total(sum, count, System.nanoTime());
                if (latencies != null) {
                    stage.keep(latencies);
                }
            }
        }

        @Override
        public void close() {}
    }
}
