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
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The peer's side of {@code PROTOCOL.md}: a line of JSON in, a line of JSON out.
 *
 * <p>Orders are read by a thread of their own: it sees that the harness is gone also in the midst of a run.
 */
public final class Conversation {
    private static final int PROTOCOL = 1;
    /** No order is empty. */
    private static final String END = "";

    private final ObjectMapper json = new ObjectMapper();
    private final BufferedReader from;
    private final PrintStream to;
    private final Peer peer;
    private final BlockingQueue<String> orders = new LinkedBlockingQueue<>();
    private Peer.Prepared prepared;
    private volatile boolean isBusy;

    public Conversation(InputStream from, PrintStream to, Peer peer) {
        this.from = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8));
        this.to = to;
        this.peer = peer;
    }

    /** Talks until it is told to end. */
    public void hold() throws IOException, InterruptedException {
        Thread listener = new Thread(this::listen, "orders");
        listener.setDaemon(true);
        listener.start();
        ObjectNode hello = json.createObjectNode().put("is", "hello").put("protocol", PROTOCOL);
        say(hello.put("name", peer.name()).put("version", peer.version()).put("language", "Java " + Runtime.version().feature()));
        for (String line = orders.take(); !line.equals(END); line = orders.take()) {
            JsonNode order = json.readTree(line);
            String what = order.path("do").asText();
            if (what.equals("quit")) {
                return;
            }
            isBusy = true;
            ObjectNode reply = switch (what) {
                case "prepare" -> prepare(order);
                case "go" -> go();
                default -> told("failed", "not an order of this protocol: " + line);
            };
            isBusy = false;
            say(reply);
        }
    }

    /** Until there are no more orders. If none is to be told what comes of the one that is being done, the process ends. */
    private void listen() {
        try {
            for (String line = from.readLine(); line != null; line = from.readLine()) {
                if (!line.isBlank()) {
                    orders.add(line);
                }
            }
        } catch (IOException closed) {
            // As good as its end.
        }
        if (isBusy) {
            System.exit(1);
        }
        orders.add(END);
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
