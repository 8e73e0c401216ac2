package thalweg.peers.flink.sink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import thalweg.peers.answer.Answer;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.flink.Stage;
import thalweg.peers.flink.type.Word;

/** The table that changes of counts add up to: the last count of each word. */
public final class WordTable implements Sink<Word> {
    @Override
    public SinkWriter<Word> createWriter(WriterInitContext context) {
        Stage stage = Stage.current();
        stage.ready();
        return new Writer(stage);
    }

    private static final class Writer implements SinkWriter<Word> {
        private final Stage stage;
        private final Map<String, Word> last = new HashMap<>();
        private long changes;

        Writer(Stage stage) {
            this.stage = stage;
        }

        @Override
        public void write(Word word, Context context) {
            Word row = last.get(word.text);
            if (row == null) {
                last.put(word.text, new Word(word.text, word.count));
            } else {
                row.count = word.count;
            }
            changes++;
        }

        @Override
        public void flush(boolean isEndOfInput) {
            if (isEndOfInput) {
                Answer answer = new Answer();
                last.forEach((text, word) -> answer.add(TextColumn.of(text), word.count));
                stage.end(answer, changes, System.nanoTime());
            }
        }

        @Override
        public void close() {}
    }
}
