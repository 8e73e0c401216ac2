package thalweg.peers.protocol;

import java.io.IOException;

/** A system that can be measured. */
public interface Peer {
    String name();

    String version();

    /**
     * Makes everything ready, so that {@link Prepared#go} has nothing left to do but the run.
     *
     * @throws Refused if it cannot run this
     */
    Prepared prepare(Run run) throws Exception;

    /** Leaves nothing behind. */
    default void close() throws IOException {}

    /** A run that is ready. */
    interface Prepared {
        Outcome go() throws Exception;

        /** Gives up a run that will not be asked for. */
        default void cancel() throws Exception {}
    }
}
