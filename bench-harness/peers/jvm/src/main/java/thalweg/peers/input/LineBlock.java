package thalweg.peers.input;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The lines of {@code wordcount}: words drawn by Zipf's law from a vocabulary whose frequent words are short. */
public final class LineBlock extends Block<Line> {
    private static final int VOCABULARY = 50_000;
    private static final int WORDS_PER_LINE = 10;
    private static final String COMMON = "etaoinshrdlcumwfgypb";
    private static final String FOREIGN = "éüøçñßжяλ語水流";

    private final String[] lines;
    private final byte[][] utf8;

    public LineBlock(long seed, long events, long blockBytes) {
        this(generate(seed, events, blockBytes));
    }

    private LineBlock(String[] lines) {
        super(lines.length, 0);
        this.lines = lines;
        this.utf8 = Stream.of(lines).map(line -> line.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    }

    private static String[] generate(long seed, long events, long blockBytes) {
        String[] vocabulary = vocabulary(seed);
        double[] upTo = new double[VOCABULARY];
        double total = 0;
        for (int rank = 0; rank < VOCABULARY; rank++) {
            total += 1.0 / (rank + 2.7);
            upTo[rank] = total;
        }
        Draw rank = new Draw(seed, 10);
        Draw gap = new Draw(seed, 11);
        // Four times as much as of other records, so that rare words occur too.
        long wanted = Math.min(4 * blockBytes, 0xffff_ffffL / 2);
        List<String> lines = new ArrayList<>();
        long bytes = 0;
        long word = 0;
        StringBuilder line = new StringBuilder();
        while (lines.isEmpty() || bytes < wanted && lines.size() + 1 <= events) {
            line.setLength(0);
            for (int place = 0; place < WORDS_PER_LINE; place++, word++) {
                if (place > 0) {
                    long draw = gap.below(word, 64);
                    line.append(draw == 0 ? "\t" : draw == 1 ? "  " : " ");
                }
                line.append(vocabulary[pick(upTo, rank.unit(word) * total)]);
            }
            String text = line.toString();
            bytes += text.getBytes(StandardCharsets.UTF_8).length + 1;
            lines.add(text);
        }
        return lines.toArray(String[]::new);
    }

    /** The first place whose bound is greater. */
    private static int pick(double[] upTo, double point) {
        int low = 0;
        int high = upTo.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (upTo[middle] <= point) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return Math.min(low, upTo.length - 1);
    }

    private static String[] vocabulary(long seed) {
        Draw length = new Draw(seed, 20);
        Draw letter = new Draw(seed, 21);
        Draw foreign = new Draw(seed, 22);
        Set<String> seen = new HashSet<>();
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (long attempt = 1; words.size() < VOCABULARY; attempt++) {
            // The more words there are already, the longer the next.
            long least = 1 + (Integer.toString(words.size() + 1).length() - 1) + (words.size() >= 10 ? 1 : 0);
            long letters = least + length.below(attempt, least + 3);
            boolean isForeign = foreign.below(attempt, 16) == 0;
            word.setLength(0);
            for (long place = 0; place < letters; place++) {
                long draw = attempt * 32 + place;
                String from = isForeign && letter.below(draw ^ 1L << 60, 3) == 0 ? FOREIGN : COMMON;
                word.append(from.charAt((int) letter.below(draw, from.length())));
            }
            if (seen.add(word.toString())) {
                words.add(word.toString());
            }
        }
        return words.toArray(String[]::new);
    }

    @Override
    public Line create() {
        return new Line();
    }

    @Override
    public void fill(Line record, int index, long time, long seq) {
        record.text = lines[index];
        record.utf8 = utf8[index];
    }

    /** None of its own. */
    @Override
    public long eventTime(Line record) {
        return 0;
    }
}
