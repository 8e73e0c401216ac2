package thalweg.peers.input;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.Function;

/**
 * Holds the records made here against those that {@code thalweg-bench generate --format csv} writes, line by line: {@code scripts/peers compare}.
 */
public final class Compare {
    private static final long BLOCK_BYTES = 1 << 20;
    private static final String[] AD_TYPES = {"banner", "modal", "sponsored-search", "mail", "mobile"};
    private static final String[] EVENT_TYPES = {"view", "click", "purchase"};

    private Compare() {}

    public static void main(String[] arguments) throws IOException {
        String workload = arguments[0];
        long events = Long.parseLong(arguments[1]);
        long seed = Long.parseLong(arguments[2]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 20);
        lines.readLine();
        switch (workload) {
            case "hop" -> compare(lines, new NumberBlock(seed, events, BLOCK_BYTES), events, number -> Long.toUnsignedString(number.value));
            case "hop64" -> compare(lines, new WideBlock(seed, events, BLOCK_BYTES), events, Compare::text);
            case "stateless" -> compare(lines, EventBlock.stateless(seed, events, BLOCK_BYTES), events, Compare::text);
            case "tumbling" -> compare(lines, EventBlock.tumbling(seed, events, BLOCK_BYTES, false), events, Compare::text);
            case "tumbling-scattered" -> compare(lines, EventBlock.tumbling(seed, events, BLOCK_BYTES, true), events, Compare::text);
            case "sliding" -> compare(lines, EventBlock.sliding(seed, events, BLOCK_BYTES), events, Compare::text);
            case "join" -> compare(lines, EventBlock.join(seed, events, BLOCK_BYTES), events, Compare::text);
            case "disorder" -> compare(lines, EventBlock.disorder(seed, events, BLOCK_BYTES), events, Compare::text);
            case "session" -> compare(lines, new VisitBlock(seed, events, BLOCK_BYTES), events, visit -> visit.key + "," + visit.eventTime);
            case "ysb" -> {
                int[] campaigns = AdBlock.campaigns(seed);
                compare(lines, new AdBlock(seed, events, BLOCK_BYTES), events, ad -> text(ad, campaigns[ad.ad]));
            }
            case "wordcount" -> compare(lines, new LineBlock(seed, events, BLOCK_BYTES), events, line -> line.text);
            default -> throw new IllegalArgumentException("there are no records of " + workload);
        }
        System.out.println(workload + ": " + events + " records are the same");
    }

    private static <T> void compare(BufferedReader lines, Block<T> block, long events, Function<T, String> text) throws IOException {
        Cursor<T> cursor = block.cursor(events, 0, 1, 0);
        T record = block.create();
        for (long i = 0; i < events; i++) {
            String line = lines.readLine();
            if (!cursor.next(record) || !text.apply(record).equals(line)) {
                throw new IOException("record " + i + " is " + text.apply(record) + " here, and there " + line);
            }
        }
        if (cursor.next(record) || lines.readLine() != null) {
            throw new IOException("there are more than " + events + " records");
        }
    }

    private static String text(Event event) {
        return Long.toUnsignedString(event.key) + "," + event.value + "," + event.eventTime + "," + event.seq;
    }

    private static String text(Wide wide) {
        return Long.toUnsignedString(wide.key) + "," + Long.toUnsignedString(wide.value) + "," + wide.eventTime + "," + wide.seq + ","
                + Long.toUnsignedString(wide.payload0) + "," + Long.toUnsignedString(wide.payload1) + ","
                + Long.toUnsignedString(wide.payload2) + "," + Long.toUnsignedString(wide.payload3);
    }

    private static String text(Ad ad, int campaign) {
        String ip = (ad.ip >>> 24) + "." + (ad.ip >>> 16 & 255) + "." + (ad.ip >>> 8 & 255) + "." + (ad.ip & 255);
        return new UUID(ad.userHigh, ad.userLow) + "," + new UUID(ad.pageHigh, ad.pageLow) + "," + ad.ad + ","
                + AD_TYPES[ad.adType] + "," + EVENT_TYPES[ad.eventType] + "," + ad.eventTime + "," + ip + "," + campaign;
    }
}
