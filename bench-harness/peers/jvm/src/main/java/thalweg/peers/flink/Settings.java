package thalweg.peers.flink;

import java.util.Map;
import thalweg.peers.protocol.Run;

/**
 * How Flink is configured: the {@code [options]} of a description. {@code FAIRNESS.md} says why.
 *
 * @param objectReuse operators of a chain hand records on without a copy
 * @param handWritten records are serialised by hand-written serialisers; otherwise by those that Flink makes for plain classes
 * @param pollRecords records that the source emits in one poll
 * @param bufferTimeoutMs a network buffer is flushed after so long; 0: after every record; less than zero: as Flink has it
 * @param openBufferTimeoutMs the same, in an open loop
 * @param checkpointMs a checkpoint is taken so often; 0: never
 * @param form the form of a query: {@code tuned}, {@code plain} or {@code sql}
 * @param watermarkMs sources emit a watermark so often
 * @param warmUpS how long a job runs before each measured run of it, in seconds
 * @param tables Flink's own options of SQL, by their names ({@code table.…}): they override what a query sets
 */
public record Settings(
        boolean objectReuse,
        boolean handWritten,
        int pollRecords,
        int bufferTimeoutMs,
        int openBufferTimeoutMs,
        int checkpointMs,
        String form,
        int watermarkMs,
        double warmUpS,
        Map<String, String> tables) {

    static Settings of(Run run) {
        return new Settings(
                run.isOn("object_reuse", true),
                run.isOn("hand_written_serialisers", true),
                run.option("poll_records", 32),
                run.option("buffer_timeout_ms", 100),
                run.option("open_buffer_timeout_ms", 0),
                run.option("checkpoint_ms", 0),
                run.option("form", "tuned"),
                run.option("watermark_ms", 200),
                Double.parseDouble(run.option("warm_up_s", "7")),
                run.options("table."));
    }
}
