package thalweg.peers;

import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Lines in upper case, from a source to a sink; {@code engine/examples/upper_case.rs} is the same in Thalweg. */
public final class UpperCase {
    private UpperCase() {}

    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment flow = StreamExecutionEnvironment.getExecutionEnvironment();
        flow.fromData("hello", "streaming", "world")
                .map(String::toUpperCase).returns(Types.STRING)
                .print();
        flow.execute("upper-case");
    }
}
