package thalweg.peers;

import java.io.IOException;
import java.io.PrintStream;
import thalweg.peers.disruptor.Disruptors;
import thalweg.peers.flink.Flink;
import thalweg.peers.protocol.Conversation;
import thalweg.peers.protocol.Peer;

/** Starts a peer, which then talks to the harness over standard input and output. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        String name = arguments.length == 1 ? arguments[0] : "";
        Peer peer = switch (name) {
            case "flink" -> new Flink();
            case "lmax-disruptor" -> new Disruptors();
            default -> throw new IllegalArgumentException("name one of: flink, lmax-disruptor");
        };
        PrintStream replies = System.out;
        // What libraries print is no reply.
        System.setOut(System.err);
        new Conversation(System.in, replies, peer).hold();
        peer.close();
        // Threads of a run that was never asked for may still wait for it.
        Runtime.getRuntime().halt(0);
    }
}
