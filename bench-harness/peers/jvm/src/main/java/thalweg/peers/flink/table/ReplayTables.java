package thalweg.peers.flink.table;

import java.time.Duration;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsSourceWatermark;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import thalweg.peers.flink.Plan;

/**
 * The connector {@code replay}: tables of the current run's input. Options: {@code table}, its name in the input; {@code readers}, if they are
 * not to be as many as the job's parallelism.
 */
public final class ReplayTables implements DynamicTableSourceFactory {
    private static final ConfigOption<String> TABLE = ConfigOptions.key("table").stringType().noDefaultValue();
    private static final ConfigOption<Integer> READERS = ConfigOptions.key("readers").intType().defaultValue(0);

    @Override
    public String factoryIdentifier() {
        return "replay";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(TABLE);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(READERS);
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        var options = helper.getOptions();
        return new Table(context.getPhysicalRowDataType(), options.get(TABLE), options.get(READERS));
    }

    /** The source gives the watermarks: it knows how far its event times are out of order. */
    private record Table(DataType type, String name, int readers) implements ScanTableSource, SupportsSourceWatermark {
        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }

        @Override
        public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
            TypeInformation<RowData> rows = context.createTypeInformation(type);
            return new DataStreamScanProvider() {
                @Override
                public DataStream<RowData> produceDataStream(ProviderContext unused, StreamExecutionEnvironment environment) {
                    Duration bound = Duration.ofMillis(Plan.current().input.boundMs(name));
                    WatermarkStrategy<RowData> watermarks = WatermarkStrategy.forBoundedOutOfOrderness(bound);
                    int parallelism = readers > 0 ? readers : environment.getParallelism();
                    return Plan.current().source(name, rows, watermarks, parallelism);
                }

                @Override
                public boolean isBounded() {
                    return true;
                }
            };
        }

        @Override
        public void applySourceWatermark() {}

        @Override
        public DynamicTableSource copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return name;
        }
    }
}
