package thalweg.peers.flink.combine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * How often each word of lines of UTF-8 occurred: a hash table with linear probing, at most half full. A word is compared where it stands in its line, and
 * becomes a text of its own only if it is new.
 *
 * <pre>
 *   a slot    first 8 bytes │ hash, length │ place in the arena │ count      length 0: free
 *   arena     the bytes of all words, one behind the other
 * </pre>
 */
final class Bundle {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int WIDTH = 4;
    private static final int TAG = 1;
    private static final int PLACE = 2;
    private static final int COUNT = 3;
    private static final int FIRST_SLOTS = 1 << 12;
    /** With more words than this they are given up when the bundle is drained, so that a language without end does not fill the memory. */
    private static final int WORDS_MAX = 1 << 17;

    /** Takes a word of the bundle. */
    interface Words {
        void take(String text, long count);
    }

    private long[] cells;
    /** Of each slot its word, once it was handed out. */
    private String[] texts;
    private byte[] arena;
    private int arenaEnd;
    private int size;
    /** Words since the last drain. */
    private long words;

    Bundle() {
        clear();
    }

    private void clear() {
        cells = new long[FIRST_SLOTS * WIDTH];
        texts = new String[FIRST_SLOTS];
        arena = new byte[FIRST_SLOTS * 8];
        arenaEnd = 0;
        size = 0;
    }

    /** Counts the words of a line, split at ASCII white space. */
    void addLine(byte[] line) {
        int from = 0;
        while (from < line.length) {
            int to = from;
            int hash = 0;
            for (; to < line.length && !isSpace(line[to]); to++) {
                hash = 31 * hash + line[to];
            }
            if (to > from) {
                add(line, from, to, hash);
            }
            from = to + 1;
        }
    }

    private static boolean isSpace(byte letter) {
        return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\f' || letter == '\r';
    }

    private void add(byte[] line, int from, int to, int hash) {
        words++;
        int length = to - from;
        long first = first(line, from, length);
        long tag = (long) hash << 32 | length;
        long[] table = cells;
        int mask = table.length - 1;
        int at = start(hash, mask);
        for (; table[at + TAG] != 0; at = at + WIDTH & mask) {
            if (table[at] == first && table[at + TAG] == tag && isRest(line, from, to, (int) table[at + PLACE])) {
                table[at + COUNT]++;
                return;
            }
        }
        table[at] = first;
        table[at + TAG] = tag;
        table[at + PLACE] = keep(line, from, length);
        table[at + COUNT] = 1;
        if (++size * 2 * WIDTH > table.length) {
            grow();
        }
    }

    private static int start(int hash, int mask) {
        return (hash * 0x9e3779b9 >>> 8) * WIDTH & mask;
    }

    /** The word's first eight bytes, or what there is of them. */
    private static long first(byte[] line, int from, int length) {
        if (from + Long.BYTES <= line.length) {
            long eight = (long) LONG.get(line, from);
            return length < Long.BYTES ? eight & (1L << 8 * length) - 1 : eight;
        }
        long first = 0;
        for (int i = Math.min(length, Long.BYTES) - 1; i >= 0; i--) {
            first = first << 8 | line[from + i] & 0xff;
        }
        return first;
    }

    /** Whether the word goes on after its first eight bytes like that in the arena, which is as long. */
    private boolean isRest(byte[] line, int from, int to, int place) {
        return to - from <= Long.BYTES || Arrays.equals(line, from + Long.BYTES, to, arena, place + Long.BYTES, place + to - from);
    }

    private int keep(byte[] line, int from, int length) {
        if (arenaEnd + length > arena.length) {
            arena = Arrays.copyOf(arena, Math.max(2 * arena.length, arenaEnd + length));
        }
        System.arraycopy(line, from, arena, arenaEnd, length);
        arenaEnd += length;
        return arenaEnd - length;
    }

    private void grow() {
        long[] old = cells;
        String[] oldTexts = texts;
        cells = new long[old.length * 2];
        texts = new String[oldTexts.length * 2];
        int mask = cells.length - 1;
        for (int from = 0; from < old.length; from += WIDTH) {
            if (old[from + TAG] != 0) {
                int at = start((int) (old[from + TAG] >> 32), mask);
                while (cells[at + TAG] != 0) {
                    at = at + WIDTH & mask;
                }
                System.arraycopy(old, from, cells, at, WIDTH);
                texts[at / WIDTH] = oldTexts[from / WIDTH];
            }
        }
    }

    /** Words counted since the last drain. */
    long words() {
        return words;
    }

    /** Hands out all counts, which are 0 then; the words stay, since they will occur again. */
    void drain(Words to) {
        for (int at = 0; at < cells.length; at += WIDTH) {
            if (cells[at + COUNT] != 0) {
                int slot = at / WIDTH;
                if (texts[slot] == null) {
                    texts[slot] = new String(arena, (int) cells[at + PLACE], (int) cells[at + TAG], StandardCharsets.UTF_8);
                }
                to.take(texts[slot], cells[at + COUNT]);
                cells[at + COUNT] = 0;
            }
        }
        words = 0;
        if (size > WORDS_MAX) {
            clear();
        }
    }
}
