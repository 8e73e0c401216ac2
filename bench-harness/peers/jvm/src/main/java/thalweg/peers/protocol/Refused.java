package thalweg.peers.protocol;

/** This combination cannot be run: it is left out, which is no failure. */
public final class Refused extends Exception {
    public Refused(String reason) {
        super(reason);
    }
}
