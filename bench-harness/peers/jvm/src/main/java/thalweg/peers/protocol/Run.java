package thalweg.peers.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A run that is to be prepared: the fields of {@code prepare} that the peers of this program know.
 *
 * @param input a file to read in place of the workload's own, or null
 * @param schedule when records are due; null if as fast as it goes
 * @param options the strings of the description
 */
public record Run(
        String system,
        String workload,
        long events,
        long seed,
        long blockBytes,
        String input,
        int cores,
        List<Integer> coreNumbers,
        int batch,
        String waiting,
        Schedule schedule,
        JsonNode options) {

    /** When records are due: {@code shape} is {@code constant} or {@code poisson}; no other is kept by this program. */
    public record Schedule(double ratePerS, long seed, String shape) {}

    static Run of(JsonNode order) {
        List<Integer> cores = new ArrayList<>();
        order.path("core_numbers").forEach(number -> cores.add(number.asInt()));
        return new Run(
                order.path("system").asText(),
                order.path("workload").asText(),
                order.path("events").asLong(),
                unsigned(order.path("seed")),
                order.path("block_bytes").asLong(),
                order.path("input").isTextual() ? order.path("input").asText() : null,
                order.path("cores").asInt(1),
                cores,
                order.path("batch").asInt(1),
                order.path("wait").asText("adaptive"),
                schedule(order.path("schedule")),
                order.path("options"));
    }

    private static Schedule schedule(JsonNode schedule) {
        if (!schedule.isObject()) {
            return null;
        }
        JsonNode shape = schedule.path("shape");
        return new Schedule(
                schedule.path("rate_per_s").asDouble(),
                unsigned(schedule.path("seed")),
                shape.isTextual() ? shape.asText() : shape.fieldNames().next());
    }

    /** All 64 bits of a number that may be beyond the signed range. */
    private static long unsigned(JsonNode number) {
        return number.isIntegralNumber() ? number.bigIntegerValue().longValue() : 0;
    }

    public String option(String name, String otherwise) {
        return options.path(name).asText(otherwise);
    }

    public int option(String name, int otherwise) {
        return Integer.parseInt(option(name, Integer.toString(otherwise)));
    }

    /** Those whose names begin so. */
    public Map<String, String> options(String prefix) {
        Map<String, String> found = new TreeMap<>();
        options.properties().forEach(option -> {
            if (option.getKey().startsWith(prefix)) {
                found.put(option.getKey(), option.getValue().asText());
            }
        });
        return found;
    }

    public boolean isOn(String name, boolean otherwise) {
        return Boolean.parseBoolean(option(name, Boolean.toString(otherwise)));
    }
}
