package thalweg.peers.flink.combine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BundleTest {
    /** Lines of words of all lengths, many of which begin alike, with foreign letters; drained again and again. */
    @Test
    void bundlesAddUpToWhatAMapHolds() {
        Random random = new Random(7);
        Bundle bundle = new Bundle();
        for (int rounds = 0; rounds < 5; rounds++) {
            Map<String, Long> expected = new HashMap<>();
            Map<String, Long> counted = new HashMap<>();
            for (int i = 0; i < 20_000; i++) {
                List<String> words = new ArrayList<>();
                for (int place = 0; place < 5; place++) {
                    words.add("abcdefghijklmnopqrstuvw".substring(0, random.nextInt(20)) + (random.nextBoolean() ? "é語" : "") + random.nextInt(30));
                }
                byte[] line = ("\t " + String.join(" \n", words) + (random.nextBoolean() ? " " : "")).getBytes(StandardCharsets.UTF_8);
                bundle.addLine(line);
                words.forEach(word -> expected.merge(word, 1L, Long::sum));
            }
            assertEquals(100_000, bundle.words());
            bundle.drain((text, count) -> assertEquals(null, counted.put(text, count), "a word once a bundle"));
            assertEquals(expected, counted);
            assertEquals(0, bundle.words());
        }
    }
}
