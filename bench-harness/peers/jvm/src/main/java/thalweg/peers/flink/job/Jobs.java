package thalweg.peers.flink.job;

import thalweg.peers.flink.Job;
import thalweg.peers.flink.Settings;
import thalweg.peers.protocol.Refused;

/** The workloads that are written for Flink. */
public final class Jobs {
    private Jobs() {}

    /**
     * The job of a workload.
     *
     * @throws Refused if it is not written
     */
    public static Job of(String workload, Settings settings) throws Refused {
        return switch (workload) {
            case "hop" -> new Hop();
            case "hop64" -> new Hop64();
            case "stateless" -> new Stateless();
            case "tumbling" -> new Tumbling(false);
            case "tumbling-scattered" -> new Tumbling(true);
            case "ysb" -> new Ysb();
            case "wordcount" -> new WordCount();
            default -> throw new Refused(workload + " on Flink is not written");
        };
    }
}
