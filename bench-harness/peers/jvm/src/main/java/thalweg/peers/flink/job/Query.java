package thalweg.peers.flink.job;

import thalweg.peers.flink.Job;
import thalweg.peers.input.Inputs;
import thalweg.peers.input.Nexmark;
import thalweg.peers.input.NexmarkRecords;
import thalweg.peers.protocol.Run;

/** A query of Nexmark as a graph of DataStream operators: its tables are {@code person}, {@code auction} and {@code bid}. */
abstract class Query implements Job {
    @Override
    public final Inputs input(Run run) throws Exception {
        return new Nexmark(run, NexmarkRecords::of);
    }
}
