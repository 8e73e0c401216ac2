package thalweg.peers.flink.job;

import java.util.function.Function;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Settings;
import thalweg.peers.flink.table.EventRows;
import thalweg.peers.flink.table.FlatRows;
import thalweg.peers.flink.table.Flights;
import thalweg.peers.input.EventBlock;
import thalweg.peers.input.Inputs;
import thalweg.peers.input.Nexmark;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/** The workloads that are written for Flink: as a graph of DataStream operators, in SQL, or in both forms. */
public final class Jobs {
    private Jobs() {}

    /**
     * The job of a workload, in the form that is asked for.
     *
     * <pre>
     *   tuned    the fastest that we know: DataStream, aggregated before the exchange where that can be, else as SQL
     *   plain    DataStream as its documentation shows it, an operator a step; where that is not written, as SQL
     *   sql      SQL
     * </pre>
     *
     * @throws Refused if it is not written
     */
    public static Job of(String workload, Settings settings) throws Refused {
        Job job = switch (settings.form()) {
            case "tuned" -> orElse(dataStream(workload, true), workload);
            case "plain" -> orElse(dataStream(workload, false), workload);
            case "sql" -> sql(workload);
            default -> throw new Refused("Flink has the forms tuned, plain and sql; " + settings.form() + " is none");
        };
        if (job == null) {
            throw new Refused(workload + " in the form " + settings.form() + " is not written for Flink");
        }
        return job;
    }

    private static Job orElse(Job stream, String workload) {
        return stream != null ? stream : sql(workload);
    }

    /** Null if there is none. */
    private static Job dataStream(String workload, boolean tuned) {
        return switch (workload) {
            case "hop" -> new Hop();
            case "hop64" -> new Hop64();
            case "stateless" -> new Stateless(tuned);
            case "tumbling" -> new Tumbling(false, tuned);
            case "tumbling-scattered" -> new Tumbling(true, tuned);
            case "ysb" -> new Ysb(tuned);
            case "sliding" -> new Sliding(1_000, tuned);
            case "sliding-fine" -> new Sliding(100, tuned);
            case "wordcount" -> new WordCount(tuned);
            case "session" -> new Session(tuned);
            case "join" -> new Join(tuned);
            case "disorder" -> new Disorder(0, tuned);
            case "disorder-lenient" -> new Disorder(Disorder.LATENESS_MS, tuned);
            default -> tuned ? query(workload) : null;
        };
    }

    /** Those of Nexmark that are faster so than as SQL; null if it is none. */
    private static Job query(String name) {
        return switch (name) {
            case "q0" -> new Q0();
            case "q1" -> new Q1();
            case "q3" -> new Q3();
            case "q5" -> new Q5();
            case "q7" -> new Q7();
            case "q11" -> new Q11();
            case "q12" -> new Q12();
            case "q14" -> new Q14();
            case "q22" -> new Q22();
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
            default -> run -> new Nexmark(run, FlatRows::of);
        });
    }

    private static Sql.Source rows(Function<Run, EventBlock> events) {
        return run -> Inputs.of(new EventRows(events.apply(run)));
    }
}
