package thalweg.peers.disruptor;

import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import java.util.HashSet;
import java.util.Set;
import java.util.function.ToLongFunction;
import thalweg.peers.input.Block;
import thalweg.peers.input.NumberBlock;
import thalweg.peers.input.Wide;
import thalweg.peers.input.WideBlock;
import thalweg.peers.load.Arrivals;
import thalweg.peers.load.Pace;
import thalweg.peers.protocol.Affinity;
import thalweg.peers.protocol.Peer;
import thalweg.peers.protocol.Refused;
import thalweg.peers.protocol.Run;

/** The LMAX Disruptor: {@code hop} and {@code hop64}. */
public final class Disruptors implements Peer {
    private final Set<String> warm = new HashSet<>();

    @Override
    public String name() {
        return "lmax-disruptor";
    }

    /** As its jar was named when this was built: the library does not say. */
    @Override
    public String version() {
        String path = WaitStrategy.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        return path.replaceAll(".*disruptor-(.*)\\.jar", "$1");
    }

    @Override
    public Prepared prepare(Run run) throws Exception {
        if (run.cores() < 2) {
            throw new Refused("producer and consumer of the Disruptor need two cores");
        }
        Affinity.pin(run.coreNumbers());
        return switch (run.workload()) {
            case "hop" -> prepare(run, new NumberBlock(run.seed(), run.events(), run.blockBytes()), number -> number.value);
            case "hop64" -> prepare(run, new WideBlock(run.seed(), run.events(), run.blockBytes()), Wide::digest);
            default -> throw new Refused("the Disruptor is a queue: it runs hop and hop64");
        };
    }

    private <T> Prepared prepare(Run run, Block<T> block, ToLongFunction<T> digest) throws Exception {
        long until = System.nanoTime() + (long) (Double.parseDouble(run.option("warm_up_s", "3")) * 1e9);
        if (warm.add(run.workload() + (run.schedule() == null))) {
            while (System.nanoTime() < until) {
                hop(run, block, digest, Math.min(run.events(), 20_000_000)).go();
            }
        }
        Prepared prepared = hop(run, block, digest, run.events());
        System.gc();
        return prepared;
    }

    private static <T> Hop<T> hop(Run run, Block<T> block, ToLongFunction<T> digest, long events) throws Refused {
        Pace pace = run.schedule() == null ? null : new Pace(new Arrivals(run.schedule(), events));
        return new Hop<>(block, digest, events, pace, run.option("ring_slots", 65_536), run.option("publish_records", 64), wait(run));
    }

    private static WaitStrategy wait(Run run) {
        return switch (run.waiting()) {
            case "spin" -> new BusySpinWaitStrategy();
            case "park" -> new BlockingWaitStrategy();
            default -> new YieldingWaitStrategy();
        };
    }
}
