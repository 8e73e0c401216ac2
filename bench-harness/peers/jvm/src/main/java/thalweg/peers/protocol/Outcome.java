package thalweg.peers.protocol;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import thalweg.peers.answer.Answer;
import thalweg.peers.load.Latencies;

/** What a run measured: the reply {@code done}. */
public final class Outcome {
    private final ObjectNode reply = JsonNodeFactory.instance.objectNode();

    /** A run of {@code n} records, from the first one's entry to the last result's emission. */
    public Outcome(long n, long elapsedNs, Answer answer) {
        reply.put("is", "done");
        reply.put("n", n);
        reply.put("elapsed_ns", elapsedNs);
        reply.putObject("answer").put("rows", answer.rows()).put("checksum", String.format("%016x", answer.checksum()));
    }

    /** Changes emitted, where results are rows that are updated. */
    public Outcome changes(long changes) {
        reply.put("changes", changes);
        return this;
    }

    /** Records that had gone through, at moments: pairs of ns since the start and records. */
    public Outcome progress(long[][] points) {
        ArrayNode progress = reply.putArray("progress");
        for (long[] point : points) {
            progress.addObject().put("ns", point[0]).put("n", point[1]);
        }
        return this;
    }

    /** What an open loop measured. */
    public Outcome latencies(Latencies latencies) {
        latencies.report(reply);
        return this;
    }

    ObjectNode reply() {
        return reply;
    }
}
