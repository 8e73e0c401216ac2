package thalweg.peers.answer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The number that stands for a text in a row: its foldhash ("quality", fixed seed), so that answers with many texts can be reduced here.
 *
 * <p>Source: foldhash 0.2, by Orson Peters; a test holds it against numbers that the harness computed.
 */
public final class TextColumn {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    // Digits of pi.
    private static final long FINISH = 0x243f6a8885a308d3L;
    private static final long S0 = 0xc0ac29b7c97c50ddL;
    private static final long S1 = 0x3f84d5b5b5470917L;
    private static final long S2 = 0x9216d5d98979fb1bL;
    private static final long S3 = 0xd1310ba698dfb5acL;
    private static final long S4 = 0x2ffd72dbd01adfb7L;
    private static final long S5 = 0xb8e1afed6a267e96L;

    private TextColumn() {}

    public static long of(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return of(bytes, 0, bytes.length);
    }

    public static long of(byte[] utf8) {
        return of(utf8, 0, utf8.length);
    }

    /** Of the UTF-8 bytes {@code [at, at + length)}. */
    public static long of(byte[] bytes, int at, int length) {
        return fold(length <= 16 ? upTo16(bytes, at, length) : over16(bytes, at, length), FINISH);
    }

    private static long upTo16(byte[] bytes, int at, int length) {
        long a = 0;
        long b = S1;
        if (length >= 8) {
            a ^= word(bytes, at);
            b ^= word(bytes, at + length - 8);
        } else if (length >= 4) {
            a ^= half(bytes, at);
            b ^= half(bytes, at + length - 4);
        } else if (length > 0) {
            a ^= bytes[at] & 0xff;
            b ^= (bytes[at + length - 1] & 0xffL) << 8 | bytes[at + length / 2] & 0xff;
        }
        return fold(a, b);
    }

    private static long over16(byte[] bytes, int at, int length) {
        long a = 0;
        long b = S1;
        if (length > 128) {
            long c = S2;
            long d = S3;
            if (length > 256) {
                long e = S4;
                long f = S5;
                do {
                    a = step(bytes, a, at, at + 48);
                    b = step(bytes, b, at + 8, at + 56);
                    c = step(bytes, c, at + 16, at + 64);
                    d = step(bytes, d, at + 24, at + 72);
                    e = step(bytes, e, at + 32, at + 80);
                    f = step(bytes, f, at + 40, at + 88);
                    at += 96;
                    length -= 96;
                } while (length > 256);
                a ^= e;
                b ^= f;
            }
            do {
                a = step(bytes, a, at, at + 32);
                b = step(bytes, b, at + 8, at + 40);
                c = step(bytes, c, at + 16, at + 48);
                d = step(bytes, d, at + 24, at + 56);
                at += 64;
                length -= 64;
            } while (length > 128);
            a ^= c;
            b ^= d;
        }
        // The rest from both ends towards the middle; the last steps may overlap.
        int end = at + length;
        a = step(bytes, a, at, end - 16);
        b = step(bytes, b, at + 8, end - 8);
        for (int taken = 16; taken <= 48 && length >= 2 * taken; taken += 16) {
            a = step(bytes, a, at + taken, end - taken - 16);
            b = step(bytes, b, at + taken + 8, end - taken - 8);
        }
        return a ^ b;
    }

    private static long step(byte[] bytes, long state, int low, int high) {
        return fold(word(bytes, low) ^ state, word(bytes, high) ^ S0);
    }

    /** The upper half of the full product, folded onto the lower one. */
    private static long fold(long x, long y) {
        long high = Math.multiplyHigh(x, y) + (x >> 63 & y) + (y >> 63 & x);
        return x * y ^ high;
    }

    private static long word(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    private static long half(byte[] bytes, int at) {
        return (int) INT.get(bytes, at) & 0xffff_ffffL;
    }
}
