package thalweg.peers.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import thalweg.peers.answer.Answer;
import thalweg.peers.input.Inputs;
import thalweg.peers.load.Latencies;
import thalweg.peers.load.Pace;

/**
 * What the tasks of a run share with the one who started it. A local cluster runs in this very process, so that a task finds it by its class.
 *
 * <pre>
 *   prepare: job submitted, tasks deployed ─▶ gate ─▶ readers ─▶ … ─▶ sinks
 *                                              go          first record      last result: the run's time
 * </pre>
 */
public final class Stage {
    private static final long READY_S = 60;
    private static final long NOTE_NS = 5_000_000;
    private static final int NOTES_MAX = 200;
    /** Distance of the readers' counters, so that they do not share cache lines. */
    private static final int APART = 16;

    private static volatile Stage current;

    /** Records of the run. */
    public final long events;
    /** The input. */
    public final Inputs input;
    /** Null in a closed loop. */
    public final Pace pace;
    /** When the readers stop, on the clock of {@link System#nanoTime}; for warm-ups. */
    public final long deadline;

    private final CompletableFuture<Void> gate = new CompletableFuture<>();
    private final AtomicLong first = new AtomicLong(Long.MAX_VALUE);
    private final AtomicLong last = new AtomicLong(Long.MIN_VALUE);
    private final AtomicLongArray read = new AtomicLongArray(64 * APART);
    private final List<long[]> notes = new ArrayList<>();
    private final Answer answer = new Answer();
    private final Semaphore ready = new Semaphore(0);
    private final AtomicInteger readers = new AtomicInteger();
    private final AtomicLong expected = new AtomicLong();
    private long changes;
    private Latencies receiver;
    private long sum;
    private long count;
    private boolean isTotal;

    Stage(long events, Inputs input, Pace pace, long deadline) {
        this.events = events;
        this.input = input;
        this.pace = pace;
        this.deadline = deadline;
    }

    /** The run that is prepared or runs. */
    public static Stage current() {
        return current;
    }

    /** Makes this the current run. */
    void enter() {
        current = this;
    }

    /** A source's reader or a sink's writer is ready. */
    public void ready() {
        ready.release();
    }

    /** Waits for so many readers and writers. */
    void awaitReady(int tasks) throws InterruptedException, TimeoutException {
        if (!ready.tryAcquire(tasks, READY_S, TimeUnit.SECONDS)) {
            throw new TimeoutException("Flink's tasks did not start within " + READY_S + " s");
        }
    }

    /** A reader will emit so many records. Gives it its number among the readers. */
    public int reader(long records) {
        expected.addAndGet(records);
        return readers.getAndIncrement();
    }

    /** Lets the readers begin. */
    void open() {
        if (pace != null) {
            pace.start();
        }
        gate.complete(null);
    }

    public CompletableFuture<Void> gate() {
        return gate;
    }

    /** A reader is about to emit its first record. */
    public void begin(long nanoTime) {
        first.accumulateAndGet(nanoTime, Math::min);
    }

    /** How many records a reader has emitted so far; the first reader also notes how far all of them are. */
    public void progress(int reader, long records, long nanoTime) {
        read.lazySet(reader * APART, records);
        if (reader == 0 && (notes.isEmpty() || nanoTime - notes.get(notes.size() - 1)[0] >= NOTE_NS)) {
            notes.add(new long[] {nanoTime, read()});
        }
    }

    /** A writer has written its last result. */
    public synchronized void end(Answer part, long changesOfPart, long nanoTime) {
        last.accumulateAndGet(nanoTime, Math::max);
        answer.merge(part);
        changes += changesOfPart;
    }

    /** A writer has added up its last record; the parts of all writers make one row. */
    public synchronized void total(long sumOfPart, long countOfPart, long nanoTime) {
        last.accumulateAndGet(nanoTime, Math::max);
        sum += sumOfPart;
        count += countOfPart;
        isTotal = true;
    }

    /** Keeps the notes of the receiving end of an open loop. */
    public synchronized void keep(Latencies notesOfReceiver) {
        receiver = notesOfReceiver;
    }

    synchronized Latencies receiver() {
        return receiver;
    }

    /** Records that all readers have emitted. */
    private long read() {
        long sum = 0;
        for (int i = 0; i < read.length(); i += APART) {
            sum += read.get(i);
        }
        return sum;
    }

    /** Records that went through: all of the run's if each source has emitted all that it has of them. */
    long records() {
        return read() == expected.get() ? events : read();
    }

    long elapsedNs() {
        return Math.max(1, last.get() - first.get());
    }

    synchronized Answer answer() {
        if (isTotal) {
            answer.add(sum, count);
            isTotal = false;
        }
        return answer;
    }

    synchronized long changes() {
        return changes;
    }

    /** Records at moments since the start, at most {@link #NOTES_MAX} of them. */
    long[][] notes() {
        int step = notes.size() / NOTES_MAX + 1;
        List<long[]> kept = new ArrayList<>();
        for (int i = 0; i < notes.size(); i += step) {
            // A source may pass over records that its query does not read.
            long records = (long) ((double) notes.get(i)[1] / expected.get() * events);
            kept.add(new long[] {Math.max(0, notes.get(i)[0] - first.get()), records});
        }
        return kept.toArray(long[][]::new);
    }
}
