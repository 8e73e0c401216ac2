package thalweg.peers.flink.table;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.data.StringData;
import thalweg.peers.input.Block;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** The flights of a CSV file, in memory; if a run takes more than there are, in laps that each are later by whole days. */
public final class Flights implements Inputs {
    /** From the folder in which the process is started: the full file if it was fetched, else the cut. */
    private static final List<Path> SHIPPED = List.of(Path.of("../../../data/flights-3m.csv"), Path.of("../../data/flights-50k.csv"));
    private static final String HEADER = "scheduled,delay,distance,origin,destination";
    private static final long HOUR_MS = 3_600_000;
    private static final long DAY_MS = 24 * HOUR_MS;

    private final FlatRows rows;
    private final long boundMs;

    public Flights(Run run) throws IOException {
        Path path = run.input() != null ? Path.of(run.input()) : SHIPPED.stream().filter(Files::isRegularFile).findFirst().orElseThrow();
        List<long[]> numbers = new ArrayList<>();
        List<StringData[]> texts = new ArrayList<>();
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        long disorder = 0;
        try (BufferedReader lines = Files.newBufferedReader(path)) {
            if (!HEADER.equals(lines.readLine())) {
                throw new IOException(path + ": the first line must be " + HEADER);
            }
            for (String line = lines.readLine(); line != null && numbers.size() < run.events(); line = lines.readLine()) {
                String[] columns = line.split(",");
                long scheduled = Long.parseLong(columns[0]);
                numbers.add(new long[] {scheduled, Long.parseLong(columns[1]), 0});
                StringData origin = StringData.fromString(columns[3]);
                origin.toBytes();
                texts.add(new StringData[] {null, null, origin});
                first = Math.min(first, scheduled);
                last = Math.max(last, scheduled);
                disorder = Math.max(disorder, last - scheduled);
            }
        }
        long span = ((last - first) / DAY_MS + 1) * DAY_MS;
        rows = new FlatRows(numbers.toArray(long[][]::new), texts.toArray(StringData[][]::new), new long[] {span, 0, 0}, 0);
        // Strictly more than the worst disorder; laps do not overlap in event time.
        boundMs = (disorder / HOUR_MS + 1) * HOUR_MS;
    }

    @Override
    public Block<?> block(String table) {
        return rows;
    }

    @Override
    public long count(String table, long events) {
        return events;
    }

    @Override
    public long boundMs(String table) {
        return boundMs;
    }
}
