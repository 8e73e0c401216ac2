package thalweg.peers.flink.table;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.types.logical.LogicalType;
import thalweg.peers.flink.Plan;

/**
 * The connector {@code answer}: reduces result rows to the run's answer. With a primary key a row replaces the one before it, so that Flink need
 * not take that back.
 */
public final class AnswerTable implements DynamicTableSinkFactory {
    @Override
    public String factoryIdentifier() {
        return "answer";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        return new Table(context.getPhysicalRowDataType().getLogicalType().getChildren().toArray(LogicalType[]::new), context.getPrimaryKeyIndexes());
    }

    private record Table(LogicalType[] columns, int[] key) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return key.length > 0 ? ChangelogMode.upsert() : ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return new DataStreamSinkProvider() {
                @Override
                public DataStreamSink<?> consumeDataStream(ProviderContext unused, DataStream<RowData> rows) {
                    return Plan.current().sink(rows, new RowSink(columns, key));
                }
            };
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "answer";
        }
    }
}
