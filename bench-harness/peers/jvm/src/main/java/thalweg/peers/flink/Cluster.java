package thalweg.peers.flink;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import thalweg.peers.input.Inputs;

/** How jobs run: on a local cluster within this process. */
final class Cluster {
    private final Settings settings;
    private final int parallelism;
    private final boolean isPaced;

    Cluster(Settings settings, int parallelism, boolean isPaced) {
        this.settings = settings;
        this.parallelism = parallelism;
        this.isPaced = isPaced;
    }

    /** Builds a job. It can be started any number of times; SQL's generated classes are then the same each time, and stay compiled. */
    Plan plan(Job job, Inputs input) throws Exception {
        Plan plan = new Plan(StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration()), settings, input, isPaced);
        job.build(plan);
        return plan;
    }

    private Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set(TaskManagerOptions.NUM_TASK_SLOTS, parallelism);
        // Window aggregations of SQL buffer in managed memory; heap state needs none.
        configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
        configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        configuration.set(PipelineOptions.OBJECT_REUSE, settings.objectReuse());
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
        configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(settings.watermarkMs()));
        int timeoutMs = isPaced ? settings.openBufferTimeoutMs() : settings.bufferTimeoutMs();
        if (timeoutMs >= 0) {
            configuration.set(ExecutionOptions.BUFFER_TIMEOUT, Duration.ofMillis(timeoutMs));
        }
        if (settings.checkpointMs() > 0) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(settings.checkpointMs()));
            configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
            configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, Checkpoints.folder().toUri().toString());
        }
        return configuration;
    }
}
