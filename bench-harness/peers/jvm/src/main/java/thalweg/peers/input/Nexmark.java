package thalweg.peers.input;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/**
 * Nexmark's events: a block of whole cycles that the harness's own generator makes, replayed in laps as the harness does. From lap to lap times,
 * persons and auctions move on by the ranges that they have in the block. Events of a kind are a table; what its records are is the caller's choice.
 */
public final class Nexmark implements Inputs {
    /** The events of one kind in a block. */
    public record Table(List<String> columns, long[][] numbers, byte[][][] texts, long[] shifts) {
        /** Its rows in the block. */
        public int length() {
            return numbers.length;
        }

        public int column(String name) {
            return columns.indexOf(name);
        }

        /** Of each row a number; 0 if the column is a text. */
        public long[] numbers(String name) {
            int column = column(name);
            return Arrays.stream(numbers).mapToLong(row -> row[column]).toArray();
        }

        /** Of each row a text in UTF-8; null if the column is a number. */
        public byte[][] texts(String name) {
            int column = column(name);
            return Arrays.stream(texts).map(row -> row[column]).toArray(byte[][]::new);
        }

        /** What each lap adds to a number. */
        public long shift(String name) {
            return shifts[column(name)];
        }
    }

    /** Makes the block of a table. */
    public interface Blocks {
        Block<?> of(String kind, Table table);
    }

    /** Names the harness's program: set by the harness. */
    private static final String PROGRAM = "THALWEG_BENCH";
    private static final long EVENT_BYTES = 220;
    private static final long CYCLE = 50;
    private static final long BOUND_MS = 4_000;

    private static final Map<String, List<String>> COLUMNS = Map.of(
            "person", List.of("id", "name", "email_address", "credit_card", "city", "state", "date_time", "extra"),
            "auction", List.of("id", "item_name", "description", "initial_bid", "reserve", "date_time", "expires", "seller", "category", "extra"),
            "bid", List.of("auction", "bidder", "price", "channel", "url", "date_time", "extra"));
    private static final Set<String> TIMES = Set.of("date_time", "expires");
    private static final Set<String> PERSONS = Set.of("person.id", "auction.seller", "bid.bidder");
    private static final Set<String> AUCTIONS = Set.of("auction.id", "bid.auction");

    private final Map<String, Block<?>> blocks = new HashMap<>();
    /** For each place of the block, the kind of its event. */
    private final List<String> kinds = new ArrayList<>();

    public Nexmark(Run run, Blocks make) throws IOException, InterruptedException, Refused {
        String program = System.getenv(PROGRAM);
        if (program == null) {
            throw new Refused("Nexmark's events come from `thalweg-bench generate`: set " + PROGRAM + " to that program");
        }
        long events = Math.max(1, run.blockBytes() / EVENT_BYTES / CYCLE) * CYCLE;
        Process generator = new ProcessBuilder(program, "generate", "nexmark", "--events", Long.toString(events), "--seed",
                Long.toUnsignedString(run.seed()), "--out", "-").redirectError(ProcessBuilder.Redirect.INHERIT).start();
        Map<String, List<JsonNode>> rows = read(generator);
        if (generator.waitFor() != 0 || kinds.size() != events) {
            throw new IOException(program + " generate nexmark failed, or made " + kinds.size() + " events in place of " + events);
        }
        long time = range(rows, "date_time");
        long persons = range(Map.of("person", rows.get("person")), "id");
        long auctions = range(Map.of("auction", rows.get("auction")), "id");
        rows.forEach((kind, nodes) -> blocks.put(kind, make.of(kind, table(kind, nodes, time, persons, auctions))));
    }

    private Map<String, List<JsonNode>> read(Process generator) throws IOException {
        Map<String, List<JsonNode>> rows = new HashMap<>();
        COLUMNS.keySet().forEach(kind -> rows.put(kind, new ArrayList<>()));
        ObjectMapper json = new ObjectMapper();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(generator.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var event = json.readTree(line).properties().iterator().next();
                kinds.add(event.getKey());
                rows.get(event.getKey()).add(event.getValue());
            }
        }
        return rows;
    }

    /** Greatest less least of a column of all rows, and one. */
    private static long range(Map<String, List<JsonNode>> rows, String column) {
        var numbers = rows.values().stream().flatMap(List::stream).mapToLong(row -> row.get(column).asLong()).summaryStatistics();
        return numbers.getMax() - numbers.getMin() + 1;
    }

    private static Table table(String kind, List<JsonNode> rows, long time, long persons, long auctions) {
        List<String> columns = COLUMNS.get(kind);
        long[] shifts = columns.stream().mapToLong(column -> {
            String name = kind + "." + column;
            return TIMES.contains(column) ? time : PERSONS.contains(name) ? persons : AUCTIONS.contains(name) ? auctions : 0;
        }).toArray();
        long[][] numbers = new long[rows.size()][columns.size()];
        byte[][][] texts = new byte[rows.size()][columns.size()][];
        for (int row = 0; row < rows.size(); row++) {
            for (int column = 0; column < columns.size(); column++) {
                JsonNode value = rows.get(row).get(columns.get(column));
                if (value.isTextual()) {
                    texts[row][column] = value.asText().getBytes(StandardCharsets.UTF_8);
                } else {
                    numbers[row][column] = value.asLong();
                }
            }
        }
        return new Table(columns, numbers, texts, shifts);
    }

    @Override
    public long boundMs(String table) {
        return BOUND_MS;
    }

    @Override
    public Block<?> block(String table) {
        return blocks.get(table);
    }

    @Override
    public long count(String table, long events) {
        long rest = kinds.subList(0, (int) (events % kinds.size())).stream().filter(table::equals).count();
        return events / kinds.size() * blocks.get(table).length + rest;
    }
}
