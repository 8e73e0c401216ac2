package thalweg.peers.flink;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import thalweg.peers.flink.source.ReplaySource;
import thalweg.peers.flink.type.Records;
import thalweg.peers.input.Inputs;

/** What a job is built with. It counts the tasks that will say when they are ready. */
public final class Plan {
    public final StreamExecutionEnvironment environment;
    public final Settings settings;
    public final Inputs input;
    private final boolean isPaced;
    private int tasks;

    private static Plan current;

    Plan(StreamExecutionEnvironment environment, Settings settings, Inputs input, boolean isPaced) {
        this.environment = environment;
        this.settings = settings;
        this.input = input;
        this.isPaced = isPaced;
        current = this;
    }

    /** The plan that is being built: for the table factory, which Flink makes by itself. */
    public static Plan current() {
        return current;
    }

    public <T> TypeInformation<T> type(Class<T> record) {
        return Records.type(record, settings.handWritten());
    }

    /** The run's input, whose event times come in order. */
    public <T> SingleOutputStreamOperator<T> source(Class<T> record) {
        return source(record, WatermarkStrategy.<T>forMonotonousTimestamps(), environment.getParallelism());
    }

    /** The run's input, by so many readers, which hand each record's event time on beside it. */
    public <T> SingleOutputStreamOperator<T> source(Class<T> record, WatermarkStrategy<T> watermarks, int parallelism) {
        return source(Inputs.ONLY, type(record), watermarks, parallelism);
    }

    /** A table of the run's input, whose event times are out of order by no more than the input says. */
    public <T> SingleOutputStreamOperator<T> table(Class<T> record, String table) {
        Duration bound = Duration.ofMillis(input.boundMs(table));
        return source(table, type(record), WatermarkStrategy.<T>forBoundedOutOfOrderness(bound), environment.getParallelism());
    }

    /** A table of the run's input, for a job that knows no event time. */
    public <T> SingleOutputStreamOperator<T> timeless(Class<T> record, String table) {
        return source(table, type(record), WatermarkStrategy.<T>noWatermarks(), environment.getParallelism());
    }

    /** A table of the run's input. */
    public <T> SingleOutputStreamOperator<T> source(
            String table, TypeInformation<T> type, WatermarkStrategy<T> watermarks, int parallelism) {
        tasks += parallelism;
        return environment.fromSource(new ReplaySource<T>(table, settings, isPaced), watermarks, table, type).setParallelism(parallelism);
    }

    /** Ends a stream, with as many writers as it has tasks. */
    public <T> DataStreamSink<T> sink(DataStream<T> stream, Sink<T> sink) {
        tasks += stream.getParallelism();
        return stream.sinkTo(sink).setParallelism(stream.getParallelism());
    }

    /** Starts a run of what was built, and waits until its readers stand at the stage's gate. */
    JobClient start(Stage stage) throws Exception {
        stage.enter();
        JobClient client = environment.executeAsync(environment.getStreamGraph(false));
        stage.awaitReady(tasks);
        return client;
    }
}
