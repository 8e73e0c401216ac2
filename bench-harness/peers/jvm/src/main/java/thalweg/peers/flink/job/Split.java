package thalweg.peers.flink.job;

import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;
import thalweg.peers.flink.type.Word;
import thalweg.peers.input.Line;

/** The words of a line, split at ASCII white space. */
final class Split implements FlatMapFunction<Line, Word> {
    private final boolean objectReuse;
    private transient Word word;

    Split(boolean objectReuse) {
        this.objectReuse = objectReuse;
    }

    @Override
    public void flatMap(Line line, Collector<Word> out) {
        String text = line.text;
        int length = text.length();
        int from = 0;
        while (from < length) {
            while (from < length && isSpace(text.charAt(from))) {
                from++;
            }
            int to = from;
            while (to < length && !isSpace(text.charAt(to))) {
                to++;
            }
            if (to > from) {
                if (word == null || !objectReuse) {
                    word = new Word();
                }
                word.text = text.substring(from, to);
                word.count = 1;
                out.collect(word);
            }
            from = to;
        }
    }

    private static boolean isSpace(char letter) {
        return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\f' || letter == '\r';
    }
}
