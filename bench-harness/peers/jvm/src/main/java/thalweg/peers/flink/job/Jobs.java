package thalweg.peers.flink.job;

import java.util.function.Function;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Settings;
import thalweg.peers.flink.table.EventRows;
import thalweg.peers.flink.table.Flights;
import thalweg.peers.flink.table.Nexmark;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/** The workloads that are written for Flink: as a graph of DataStream operators, in SQL, or in both forms. */
public final class Jobs {
    private Jobs() {}

    /**
     * The job of a workload, in the form that is asked for; {@code usual} is DataStream where there is one.
     *
     * @throws Refused if it is not written
     */
    public static Job of(String workload, Settings settings) throws Refused {
        Job stream = settings.form().equals("sql") ? null : dataStream(workload);
        Job job = stream != null || settings.form().equals("datastream") ? stream : sql(workload);
        if (job == null) {
            String form = settings.form().equals("usual") ? "" : " in the form " + settings.form();
            throw new Refused(workload + form + " is not written for Flink");
        }
        return job;
    }

    /** Null if there is none. */
    private static Job dataStream(String workload) {
        return switch (workload) {
            case "hop" -> new Hop();
            case "hop64" -> new Hop64();
            case "stateless" -> new Stateless();
            case "tumbling" -> new Tumbling(false);
            case "tumbling-scattered" -> new Tumbling(true);
            case "ysb" -> new Ysb();
            case "wordcount" -> new WordCount();
            case "session" -> new Session();
            case "join" -> new Join();
            case "disorder" -> new Disorder(0);
            case "disorder-lenient" -> new Disorder(Disorder.LATENESS_MS);
            default -> null;
        };
    }

    /** Null if there is none. */
    private static Job sql(String workload) {
        if (!Sql.has(workload)) {
            return null;
        }
        return new Sql(workload, switch (workload) {
            case "tumbling" -> rows(run -> EventBlock.tumbling(run.seed(), run.events(), run.blockBytes(), false));
            case "tumbling-scattered" -> rows(run -> EventBlock.tumbling(run.seed(), run.events(), run.blockBytes(), true));
            case "sliding", "sliding-fine" -> rows(run -> EventBlock.sliding(run.seed(), run.events(), run.blockBytes()));
            case "flights", "flights-top", "flights-sessions" -> Flights::new;
            default -> Nexmark::new;
        });
    }

    private static Sql.Source rows(Function<Run, EventBlock> events) {
        return run -> Inputs.of(new EventRows(events.apply(run)));
    }
}
