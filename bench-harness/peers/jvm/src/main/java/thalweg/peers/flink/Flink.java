package thalweg.peers.flink;

import java.io.IOException;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.util.EnvironmentInformation;
import thalweg.peers.flink.job.Jobs;
import thalweg.peers.input.Inputs;
import thalweg.peers.load.Arrivals;
import thalweg.peers.load.Latencies;
import thalweg.peers.load.Pace;
import thalweg.peers.protocol.Affinity;
import thalweg.peers.protocol.Outcome;
import thalweg.peers.protocol.Peer;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/** Apache Flink on a cluster within this process. */
public final class Flink implements Peer {
    /** Warm-ups are at least two jobs, so that what a job does at its start and end is warm too. */
    private static final int WARM_UP_JOBS = 2;

    @Override
    public String name() {
        return "flink";
    }

    @Override
    public String version() {
        return EnvironmentInformation.getVersion();
    }

    @Override
    public Prepared prepare(Run run) throws Exception {
        Settings settings = Settings.of(run);
        Job job = Jobs.of(run.workload(), settings);
        if (run.schedule() != null && !job.hasOpenLoop()) {
            throw new Refused("an open loop of " + run.workload() + " on Flink is not written; of hop it is");
        }
        Inputs input = job.input(run);
        long events = job.events(run, input);
        Plan plan = new Cluster(settings, run.cores(), run.schedule() != null).plan(job, input);
        if (settings.warmUpS() > 0) {
            warmUp(run, settings, plan, input);
        }
        // Only now: what compiles the code may use all cores.
        Affinity.pin(run.coreNumbers());
        Pace pace = run.schedule() == null ? null : new Pace(new Arrivals(run.schedule(), events));
        Stage stage = new Stage(events, input, pace, Long.MAX_VALUE);
        JobClient client = plan.start(stage);
        System.gc();
        return new Prepared() {
            @Override
            public Outcome go() throws Exception {
                stage.open();
                client.getJobExecutionResult().get();
                return outcome(stage);
            }

            @Override
            public void cancel() throws Exception {
                client.cancel().get();
            }
        };
    }

    @Override
    public void close() throws IOException {
        Checkpoints.delete();
    }

    /** Runs the job for a while, on as many records as it takes. */
    private static void warmUp(Run run, Settings settings, Plan plan, Inputs input) throws Exception {
        double each = settings.warmUpS() / WARM_UP_JOBS;
        for (int i = 0; i < WARM_UP_JOBS; i++) {
            Pace pace = null;
            long events = Long.MAX_VALUE / 4;
            if (run.schedule() != null) {
                events = Math.max(1, (long) (run.schedule().ratePerS() * each));
                pace = new Pace(new Arrivals(run.schedule(), events));
            }
            Stage stage = new Stage(events, input, pace, System.nanoTime() + (long) (each * 1e9) + 1_000_000_000);
            JobClient client = plan.start(stage);
            stage.open();
            client.getJobExecutionResult().get();
        }
    }

    private static Outcome outcome(Stage stage) {
        Latencies latencies = stage.receiver();
        if (latencies != null) {
            return new Outcome(stage.records(), latencies.lastNs(), stage.answer()).progress(stage.notes()).latencies(latencies);
        }
        Outcome outcome = new Outcome(stage.records(), stage.elapsedNs(), stage.answer()).progress(stage.notes());
        return stage.changes() > 0 ? outcome.changes(stage.changes()) : outcome;
    }
}
