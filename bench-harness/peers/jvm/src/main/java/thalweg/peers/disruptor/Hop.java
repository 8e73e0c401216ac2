package thalweg.peers.disruptor;

import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BatchEventProcessorBuilder;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import java.util.function.ToLongFunction;
import thalweg.peers.answer.Answer;
import thalweg.peers.input.Block;
import thalweg.peers.input.Cursor;
import thalweg.peers.load.Latencies;
import thalweg.peers.load.Pace;
import thalweg.peers.protocol.Outcome;
import thalweg.peers.protocol.Peer;

/**
 * One producer, one consumer: the producer claims slots of the ring, fills them in place and publishes them together.
 *
 * @param <T> the record, which is also what the ring is made of
 */
final class Hop<T> implements Peer.Prepared {
    private final Block<T> block;
    private final long events;
    private final Pace pace;
    private final int publishRecords;
    private final RingBuffer<T> ring;
    private final Receiver receiver;
    private final BatchEventProcessor<T> processor;

    /** {@code pace} is null in a closed loop. */
    Hop(Block<T> block, ToLongFunction<T> digest, long events, Pace pace, int slots, int publishRecords, WaitStrategy wait) {
        this.block = block;
        this.events = events;
        this.pace = pace;
        this.publishRecords = publishRecords;
        ring = RingBuffer.createSingleProducer(block::create, slots, wait);
        receiver = new Receiver(digest);
        processor = new BatchEventProcessorBuilder().build(ring, ring.newBarrier(), receiver);
        ring.addGatingSequences(processor.getSequence());
    }

    @Override
    public Outcome go() throws InterruptedException {
        if (pace != null) {
            pace.start();
        }
        Thread consumer = new Thread(processor, "consumer");
        consumer.start();
        long start = System.nanoTime();
        if (pace == null) {
            produce();
        } else {
            produceWhenDue();
        }
        consumer.join();
        Answer answer = new Answer();
        answer.add(receiver.sum, receiver.count);
        if (pace == null) {
            return new Outcome(receiver.count, receiver.endNanoTime - start, answer);
        }
        return new Outcome(receiver.count, receiver.latencies.lastNs(), answer).latencies(receiver.latencies);
    }

    private void produce() {
        Cursor<T> cursor = block.cursor(events, 0, 1, 0);
        for (long left = events; left > 0; ) {
            int count = (int) Math.min(left, publishRecords);
            publish(cursor, count);
            left -= count;
        }
    }

    /** Publishes what is due, all of it at once. */
    private void produceWhenDue() {
        Cursor<T> cursor = block.cursor(events, 0, 1, 0);
        long due = 0;
        long sent = 0;
        while (sent < events) {
            long now = pace.now();
            due = pace.arrivals.dueBy(now, due);
            int count = (int) Math.min(due - sent, ring.getBufferSize());
            if (count > 0) {
                publish(cursor, count);
                for (int i = 0; i < count; i++) {
                    pace.sent(sent++, now);
                }
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private void publish(Cursor<T> cursor, int count) {
        long last = ring.next(count);
        long first = last - count + 1;
        for (long sequence = first; sequence <= last; sequence++) {
            cursor.next(ring.get(sequence));
        }
        ring.publish(first, last);
    }

    private final class Receiver implements EventHandler<T> {
        private final ToLongFunction<T> digest;
        private final Latencies latencies = pace == null ? null : new Latencies(pace);
        private long sum;
        private long count;
        private long endNanoTime;

        Receiver(ToLongFunction<T> digest) {
            this.digest = digest;
        }

        @Override
        public void onEvent(T record, long sequence, boolean isEndOfBatch) {
            sum += digest.applyAsLong(record);
            if (latencies != null) {
                latencies.leave();
            }
            if (++count == events) {
                endNanoTime = System.nanoTime();
                processor.halt();
            }
        }
    }
}
