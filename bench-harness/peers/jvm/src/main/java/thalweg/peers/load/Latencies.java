package thalweg.peers.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.Deflater;
import org.HdrHistogram.Histogram;

/**
 * The notes of the end that receives. Records arrive in the order in which they were sent.
 *
 * <p>The number in flight at a moment is the number of records due by then, less those that had left. The moments are a jittered microsecond
 * apart, so that neither batches nor stalls decide when it is looked at; mean residence and mean number are counted apart, so that Little's
 * law can be held against them.
 */
public final class Latencies {
    private static final long GREATEST_NS = 100_000_000_000L;
    private static final long SPACING_NS = 1_000;

    private final Pace pace;
    private final Histogram latencyNs = histogram();
    private final long[] leftAt;
    private long left;
    private long last;
    private long dueBySample;
    private long nextSample;
    private long jitter = 1;
    private double inFlight;
    private long samples;

    public Latencies(Pace pace) {
        this.pace = pace;
        leftAt = new long[pace.sentAt.length];
        nextSample = pace.arrivals.at(Math.min(pace.warm, pace.arrivals.events - 1));
    }

    private static Histogram histogram() {
        return new Histogram(1, GREATEST_NS, 3);
    }

    private static void record(Histogram histogram, long ns) {
        histogram.recordValue(Math.max(1, Math.min(ns, GREATEST_NS)));
    }

    /** Notes that the next record has left. */
    public void leave() {
        long now = pace.now();
        long before = left++;
        if (before >= pace.warm) {
            record(latencyNs, now - pace.arrivals.at(before));
        }
        if (before % pace.stride == 0) {
            leftAt[(int) (before / pace.stride)] = now;
        }
        last = now;
        while (nextSample <= now) {
            dueBySample = pace.arrivals.dueBy(nextSample, dueBySample);
            inFlight += Math.max(0, dueBySample - Math.max(before, pace.warm));
            samples++;
            jitter ^= jitter << 13;
            jitter ^= jitter >>> 7;
            jitter ^= jitter << 17;
            nextSample += SPACING_NS / 2 + (jitter >>> 32) * SPACING_NS / (1L << 32);
        }
    }

    /** When the last record left, in ns since the start. */
    public long lastNs() {
        return last;
    }

    /** Adds what was measured to a reply; after the run. */
    public void report(ObjectNode reply) {
        Histogram uncorrectedNs = histogram();
        Histogram latenessNs = histogram();
        for (int i = 0; i < leftAt.length; i++) {
            long index = i * pace.stride;
            if (index >= pace.warm && index < left) {
                record(uncorrectedNs, leftAt[i] - pace.sentAt[i]);
                record(latenessNs, pace.sentAt[i] - pace.arrivals.at(index));
            }
        }
        reply.put("latency_ns", text(latencyNs));
        reply.put("uncorrected_ns", text(uncorrectedNs));
        reply.put("lateness_ns", text(latenessNs));
        reply.put("v_per_s", pace.entryPerS());
        long windowNs = last - pace.arrivals.at(pace.warm);
        if (samples > 0 && windowNs > 0) {
            reply.put("in_flight_mean", inFlight / samples);
            reply.put("window_per_s", (left - pace.warm) * 1e9 / windowNs);
        }
    }

    /** In the interchange format V2: compressed, base64. */
    static String text(Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int bytes = histogram.encodeIntoCompressedByteBuffer(buffer, Deflater.DEFAULT_COMPRESSION);
        return Base64.getEncoder().encodeToString(Arrays.copyOf(buffer.array(), bytes));
    }
}
