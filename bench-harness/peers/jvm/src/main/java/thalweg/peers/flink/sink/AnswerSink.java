package thalweg.peers.flink.sink;

import java.io.Serializable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import thalweg.peers.answer.Answer;
import thalweg.peers.flink.Stage;

/** Reduces result rows to an answer. */
public final class AnswerSink<T> implements Sink<T> {
    /** Adds a row to the answer. */
    public interface Rows<T> extends Serializable {
        void add(T row, Answer answer);
    }

    private final Rows<T> rows;

    public AnswerSink(Rows<T> rows) {
        this.rows = rows;
    }

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) {
        Stage stage = Stage.current();
        stage.ready();
        return new Writer<>(stage, rows);
    }

    private static final class Writer<T> implements SinkWriter<T> {
        private final Stage stage;
        private final Rows<T> rows;
        private final Answer answer = new Answer();

        Writer(Stage stage, Rows<T> rows) {
            this.stage = stage;
            this.rows = rows;
        }

        @Override
        public void write(T row, Context context) {
            rows.add(row, answer);
        }

        @Override
        public void flush(boolean isEndOfInput) {
            if (isEndOfInput) {
                stage.end(answer, 0, System.nanoTime());
            }
        }

        @Override
        public void close() {}
    }
}
