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
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Starts jobs, each on a local cluster of its own within this process. */
final class Cluster {
    private final Settings settings;
    private final int parallelism;
    private final boolean isPaced;

    Cluster(Settings settings, int parallelism, boolean isPaced) {
        this.settings = settings;
        this.parallelism = parallelism;
        this.isPaced = isPaced;
    }

    /** Submits a job and waits until its readers stand at the stage's gate. */
    JobClient start(Job job, Stage stage) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration());
        Plan plan = new Plan(environment, settings, isPaced);
        stage.enter();
        job.build(plan);
        JobClient client = plan.submit();
        stage.awaitReady(plan.tasks());
        return client;
    }

    private Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set(TaskManagerOptions.NUM_TASK_SLOTS, parallelism);
        // Window aggregations of SQL buffer in managed memory; heap state needs none.
        configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
        configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        configuration.set(PipelineOptions.OBJECT_REUSE, settings.objectReuse());
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
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
