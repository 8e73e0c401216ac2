package thalweg.peers.flink;

import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/** A workload as a Flink job. */
public interface Job {
    /** Makes the input: what the job's sources find as the current run's. */
    Inputs input(Run run) throws Exception;

    /** Builds the job's graph, from its sources to its sinks. */
    void build(Plan plan) throws Exception;

    /** Whether there is an open loop of it. */
    default boolean hasOpenLoop() {
        return false;
    }

    /** Records that the input really has: of a file it may be fewer than were asked for. */
    default long events(Run run, Inputs input) {
        return run.events();
    }
}
