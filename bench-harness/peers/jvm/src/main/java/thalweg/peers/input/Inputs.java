package thalweg.peers.input;

/** What the sources of a run read: a block for each table. */
public interface Inputs {
    /** The table of jobs that have one source. */
    String ONLY = "only";

    /** The block of a table. */
    Block<?> block(String table);

    /** How many of a run's events are records of a table. */
    long count(String table, long events);

    /** A watermark of the greatest event time of a table so far, less this many ms and one, makes no record late. */
    default long boundMs(String table) {
        return 0;
    }

    /** A block that is all there is, in order of event time. */
    static Inputs of(Block<?> block) {
        return new Inputs() {
            @Override
            public Block<?> block(String table) {
                return block;
            }

            @Override
            public long count(String table, long events) {
                return events;
            }
        };
    }
}
