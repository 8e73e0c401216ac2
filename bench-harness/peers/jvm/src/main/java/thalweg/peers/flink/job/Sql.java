package thalweg.peers.flink.job;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import thalweg.peers.flink.Job;
import thalweg.peers.flink.Plan;
import thalweg.peers.input.Inputs;
import thalweg.peers.protocol.Run;

/**
 * A workload in Flink SQL: the statements of {@code sql/NAME.sql}, of which the last inserts the result. The input's tables are those of
 * {@code sql/tables.sql}. What a query sets ({@code SET 'name' = 'value'}, as in Flink's SQL client) is for it alone.
 */
final class Sql implements Job {
    /** Makes an input. */
    interface Source {
        Inputs of(Run run) throws Exception;
    }

    private static final Pattern SET = Pattern.compile("SET\\s+'([^']+)'\\s*=\\s*'([^']*)'");

    private final String name;
    private final Source source;

    Sql(String name, Source source) {
        this.name = name;
        this.source = source;
    }

    /** Whether there is such a file. */
    static boolean has(String name) {
        return Sql.class.getResource("/sql/" + name + ".sql") != null;
    }

    @Override
    public Inputs input(Run run) throws Exception {
        return source.of(run);
    }

    @Override
    public void build(Plan plan) throws IOException {
        StreamTableEnvironment tables = StreamTableEnvironment.create(plan.environment);
        tables.getConfig().setLocalTimeZone(ZoneOffset.UTC);
        for (String statement : statements("tables")) {
            tables.executeSql(statement);
        }
        String[] statements = statements(name);
        for (int i = 0; i < statements.length - 1; i++) {
            Matcher set = SET.matcher(statements[i]);
            if (set.matches()) {
                tables.getConfig().set(set.group(1), set.group(2));
            } else {
                tables.executeSql(statements[i]);
            }
        }
        plan.settings.tables().forEach(tables.getConfig()::set);
        tables.createStatementSet().addInsertSql(statements[statements.length - 1]).attachAsDataStream();
    }

    private static String[] statements(String name) throws IOException {
        try (InputStream file = Sql.class.getResourceAsStream("/sql/" + name + ".sql")) {
            String text = new String(file.readAllBytes(), StandardCharsets.UTF_8).replaceAll("(?m)^--.*$", "");
            return text.strip().split(";\\s*");
        }
    }
}
