package thalweg.peers.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** The peer's side of {@code PROTOCOL.md}: a line of JSON in, a line of JSON out. */
public final class Conversation {
    private static final int PROTOCOL = 1;

    private final ObjectMapper json = new ObjectMapper();
    private final BufferedReader from;
    private final PrintStream to;
    private final Peer peer;
    private Peer.Prepared prepared;

    public Conversation(InputStream from, PrintStream to, Peer peer) {
        this.from = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8));
        this.to = to;
        this.peer = peer;
    }

    /** Talks until it is told to end. */
    public void hold() throws IOException {
        ObjectNode hello = json.createObjectNode().put("is", "hello").put("protocol", PROTOCOL);
        say(hello.put("name", peer.name()).put("version", peer.version()).put("language", "Java " + Runtime.version().feature()));
        for (String line = from.readLine(); line != null; line = from.readLine()) {
            JsonNode order = json.readTree(line);
            switch (order.path("do").asText()) {
                case "prepare" -> say(prepare(order));
                case "go" -> say(go());
                case "quit" -> {
                    return;
                }
                default -> say(told("failed", "not an order of this protocol: " + line));
            }
        }
    }

    private ObjectNode prepare(JsonNode order) {
        try {
            if (prepared != null) {
                prepared.cancel();
                prepared = null;
            }
            prepared = peer.prepare(Run.of(order));
            return json.createObjectNode().put("is", "ready");
        } catch (Refused refused) {
            return told("refused", refused.getMessage());
        } catch (Exception | LinkageError error) {
            return failed(error);
        }
    }

    private ObjectNode go() {
        if (prepared == null) {
            return told("failed", "nothing was prepared");
        }
        try {
            return prepared.go().reply();
        } catch (Exception | LinkageError error) {
            return failed(error);
        } finally {
            prepared = null;
        }
    }

    /** Flink wraps what went wrong many times over: the innermost cause says it. */
    private ObjectNode failed(Throwable error) {
        error.printStackTrace();
        Throwable cause = error;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return told("failed", cause.toString());
    }

    private ObjectNode told(String is, String reason) {
        return json.createObjectNode().put("is", is).put("reason", reason);
    }

    private void say(ObjectNode reply) throws IOException {
        to.println(json.writeValueAsString(reply));
        to.flush();
    }
}
